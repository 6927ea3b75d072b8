import type { ServiceContext } from "../context.ts";

export type RoleName = "client" | "operator" | "admin" | "system" | "signed in";

/** A verb for the four standard tests of every write. */
export interface WriteVerb {
  readonly name: string;
  readonly role: RoleName;
  /** Acts on something that belongs to `owner`. Verbs without a subject leave it out. */
  readonly makeSubject?: (owner: Owner) => Promise<string>;
  readonly run: (ctx: ServiceContext, subject: string) => Promise<unknown>;
  /** What the database says afterwards. */
  readonly verify?: (subject: string) => Promise<unknown>;
  readonly expected?: unknown;
  /** Admins reach every tenant: there is no other one. */
  readonly isTenantBound: boolean;
}

export interface Owner {
  readonly userId: string;
  readonly clientId?: string;
  readonly operatorId?: string;
}
