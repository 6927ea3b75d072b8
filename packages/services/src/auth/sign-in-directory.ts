/**
 * Sign-in directory: who a session id stands for, read from the database on every call.
 *
 * It keeps nothing between calls, so a revoked session, a suspended account or a changed role counts at once; calls that
 * come together share a statement (turn-batches.ts). `last_seen_at` is written at most once a minute and session.
 */
import type { Statement } from "@karvon/db";
import type { Actor, SignedInActor } from "../actor.ts";
import type { Database } from "../database.ts";
import type { TurnBatches } from "../turn-batches.ts";
import type { AccountStatus, Role, Viewer } from "../views.ts";
import { signInLimits } from "./open-sign-in.ts";

const touchEveryMs = 60_000;

export interface SignIn {
  readonly viewer: Viewer;
  readonly actor: SignedInActor;
}

export interface SignInDirectory {
  /** Null when the session does not count: unknown, revoked, idle too long, expired, or its account is suspended. */
  find(sessionId: string): Promise<SignIn | null>;
}

export interface SignInDirectoryOptions {
  readonly database: Pick<Database, "$executeRaw">;
  readonly batches: TurnBatches;
  readonly now: () => Date;
}

interface SignInRow {
  readonly key: string;
  readonly last_seen_at: Date;
  readonly expires_at: Date;
  readonly revoked_at: Date | null;
  readonly user_id: string;
  readonly email: string;
  readonly role: Role;
  readonly status: AccountStatus;
  readonly display_name: string | null;
  readonly is_demo: boolean;
  readonly client_id: string | null;
  readonly operator_id: string | null;
}

const readSignIns: Statement = {
  name: "sign-ins",
  text: `
    select s.id as key, s.last_seen_at, s.expires_at, s.revoked_at, u.id as user_id, u.email, u.role::text as role,
           u.status::text as status, u.display_name, u.is_demo, c.id as client_id, o.id as operator_id
      from sign_in_session s
      join user_account u on u.id = s.user_id
      left join client c on c.user_id = u.id
      left join operator o on o.user_id = u.id
     where s.id = any($1::text[])`,
};

export function createSignInDirectory(options: SignInDirectoryOptions): SignInDirectory {
  const { database, batches, now } = options;
  async function touch(row: SignInRow, at: Date): Promise<void> {
    if (at.getTime() - row.last_seen_at.getTime() < touchEveryMs) return;
    await database.$executeRaw`
      update sign_in_session set last_seen_at = ${at}
       where id = ${row.key} and last_seen_at < ${at} and revoked_at is null`;
  }

  return {
    async find(sessionId) {
      const row = await batches.find<SignInRow>(readSignIns, sessionId);
      const at = now();
      if (row === null || !isOpen(row, at)) return null;
      const actor = actorOf(row);
      if (actor.kind === "anonymous" || actor.kind === "system") return null;
      await touch(row, at);
      return { actor, viewer: { id: row.user_id, email: row.email, role: row.role, displayName: row.display_name, isDemo: row.is_demo } };
    },
  };
}

function isOpen(row: SignInRow, at: Date): boolean {
  if (row.revoked_at !== null || row.status !== "active" || at >= row.expires_at) return false;
  return at.getTime() - row.last_seen_at.getTime() < signInLimits[row.role].idleMs;
}

function actorOf(row: SignInRow): Actor {
  const userId = row.user_id;
  const sessionId = row.key;
  if (row.role === "admin") return { kind: "admin", userId, sessionId };
  if (row.role === "client" && row.client_id !== null) return { kind: "client", userId, sessionId, clientId: row.client_id };
  if (row.role === "operator" && row.operator_id !== null) return { kind: "operator", userId, sessionId, operatorId: row.operator_id };
  return { kind: "anonymous" };
}
