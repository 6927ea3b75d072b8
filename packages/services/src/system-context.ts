import type { Statements } from "@karvon/db";
import { noEgressAllow } from "@karvon/domain";
import { openPaymentMethods, testPaymentsOnly } from "@karvon/payments";
import type { SystemActor } from "./actor.ts";
import { createAttemptLimits } from "./auth/attempt-limits.ts";
import type { NetworkFacts, ServiceContext } from "./context.ts";
import type { Database } from "./database.ts";
import { createTurnBatches } from "./turn-batches.ts";

export interface SystemContextOptions {
  readonly database: Database;
  readonly pepper: Buffer;
  readonly network: NetworkFacts;
  /** Who acts, for the audit log: "launcher", "cli". */
  readonly name: string;
}

/** The context of programs on the server itself. They send no mail. */
export function createSystemContext(options: SystemContextOptions): ServiceContext {
  const statements = statementsOver(options.database);
  const actor: SystemActor = { kind: "system", name: options.name };
  return {
    actor,
    request: { ipAddress: null, userAgent: null, browserSecret: null },
    database: options.database,
    statements,
    batches: createTurnBatches(statements),
    outbox: { post: () => false, close: () => Promise.resolve() },
    attempts: createAttemptLimits(),
    network: options.network,
    payments: openPaymentMethods(testPaymentsOnly),
    panelUrl: "",
    pepper: options.pepper,
    sourceAllow: noEgressAllow,
    now: () => new Date(),
    findAvailability: () => Promise.resolve({ countries: [], total: 0 }),
    findCountryPlaces: (country) =>
      Promise.resolve({ country, nodes: 0, byType: { mobile: 0, wifi: 0, residential: 0 }, states: [], cities: [], networks: [] }),
  };
}

/** The same statements through Prisma, for programs that ask once and end. */
function statementsOver(database: Database): Pick<Statements, "query"> {
  return { query: (statement, values) => database.$queryRawUnsafe(statement.text, ...values) };
}
