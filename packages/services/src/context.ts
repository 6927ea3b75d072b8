/** What every verb is handed: who acts, where the request came from, and the few things it may touch. */
import type { Actor } from "./actor.ts";
import type { AttemptLimits } from "./auth/attempt-limits.ts";
import type { Statements } from "@karvon/db";
import type { EgressAllow } from "@karvon/domain";
import type { PaymentMethods } from "@karvon/payments";
import type { Database } from "./database.ts";
import type { Outbox } from "./mail/outbox.ts";
import type { TurnBatches } from "./turn-batches.ts";
import type { Availability, CountryPlaces } from "./views.ts";

/** How devices and programs reach this installation. */
export interface NetworkFacts {
  readonly proxyHost: string;
  readonly proxyPort: number;
  readonly tunnelHost: string;
  readonly tunnelPort: number;
  /** base64url SHA-256 of the tunnel certificate's public key. */
  readonly tunnelSpkiPin: string;
}

/** Where a request came from. `browserSecret` is the cookie that binds a mailed code to one browser. */
export interface RequestFacts {
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly browserSecret: string | null;
}

export interface ServiceDeps {
  readonly database: Database;
  /** Named statements for what is read all the time. */
  readonly statements: Pick<Statements, "query">;
  /** The same, for questions that many ask at once. */
  readonly batches: TurnBatches;
  readonly outbox: Outbox;
  readonly attempts: AttemptLimits;
  readonly network: NetworkFacts;
  /** The ways to pay that are set up. */
  readonly payments: PaymentMethods;
  readonly panelUrl: string;
  /** The key of the HMAC over proxy passwords. */
  readonly pepper: Buffer;
  /** Addresses that may log in without a password although they are not public: this machine's, while the demo runs. */
  readonly sourceAllow: EgressAllow;
  readonly now: () => Date;
  /** What the gateways can offer now; empty when none answers. */
  readonly findAvailability: () => Promise<Availability>;
  /** The same for the places and networks of one country, an ISO code in capitals. */
  readonly findCountryPlaces: (country: string) => Promise<CountryPlaces>;
}

export interface ServiceContext extends ServiceDeps {
  readonly actor: Actor;
  readonly request: RequestFacts;
}
