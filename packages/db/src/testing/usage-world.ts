/** A database with one client, one operator, one node and one gateway, and batches that need few words. For tests only. */
import { newId } from "@karvon/domain";
import { createTestDatabase, openFixtures, type Fixtures } from "@karvon/testkit";
import { openGatewayDatabase, type GatewayDatabase, type SessionCounter, type SessionFacts, type UsageBatch } from "../sql/index.ts";

export interface UsageWorld {
  readonly url: string;
  readonly db: GatewayDatabase;
  readonly fixtures: Fixtures;
  readonly clientId: string;
  readonly operatorId: string;
  readonly proxyUserId: string;
  readonly nodeId: string;
  readonly gatewayId: string;
  /** What went to the database door's onError. */
  readonly errors: unknown[];
  makeFacts(some?: Partial<SessionFacts>): SessionFacts;
  makeBatch(seq: number, counters: readonly SessionCounter[], opened?: readonly SessionFacts[], some?: Partial<UsageBatch>): UsageBatch;
  /** Account kind and owner to balance, without accounts at zero; the 16 shards summed. */
  readBalances(): Promise<Record<string, bigint>>;
  /** Checks that found faults, for example `{ C3: 1 }`. */
  readFaults(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export const sampledAtMs = Date.UTC(2026, 4, 5, 10, 30);

export function counterOf(
  facts: SessionFacts,
  upBytes: number,
  downBytes: number,
  closed?: { atMs: number; reason: string },
): SessionCounter {
  const counter = { id: facts.id, openedAtMs: facts.openedAtMs, upBytes, downBytes };
  return closed === undefined ? counter : { ...counter, closedAtMs: closed.atMs, closeReason: closed.reason };
}

export async function openUsageWorld(): Promise<UsageWorld> {
  const database = await createTestDatabase();
  const fixtures = openFixtures(database.url);
  const errors: unknown[] = [];
  const db = openGatewayDatabase({ url: database.url, onError: (cause) => errors.push(cause) });
  const { clientId } = await fixtures.makeClient();
  const { operatorId } = await fixtures.makeOperator();
  const { proxyUserId } = await fixtures.makeProxyUser(clientId);
  const { nodeId } = await fixtures.makeNode(operatorId);
  const gatewayId = await fixtures.makeGateway();
  return {
    url: database.url,
    db,
    fixtures,
    clientId,
    operatorId,
    proxyUserId,
    nodeId,
    gatewayId,
    errors,
    makeFacts(some = {}) {
      const who = { clientId, proxyUserId, operatorId, nodeId, priceId: fixtures.priceId };
      const place = { exitAddress: "203.0.113.7", exitCountry: "DE", exitCity: "Berlin", exitAsn: 3320, connectionType: "wifi" };
      const rest = { clientAddress: "198.51.100.4", hasPassword: true, stickySession: null, tag: null, connectMs: 40, failedAttempts: 0 };
      const target = { protocol: "connect" as const, targetHost: "example.com", targetPort: 443 };
      return { id: newId("ses"), openedAtMs: sampledAtMs - 60_000, ...who, ...place, ...rest, ...target, ...some };
    },
    makeBatch: (seq, counters, opened = [], some = {}) => ({
      gatewayId,
      epoch: 1n,
      seq: BigInt(seq),
      sampledAtMs,
      opened,
      counters,
      ...some,
    }),
    async readBalances() {
      const found = await fixtures.pool.query<{ name: string; posted: bigint }>(
        `SELECT kind || CASE WHEN owner_id IN ('network', $1, $2) THEN '' ELSE ' ' || owner_id END AS name, sum(posted)::bigint AS posted
         FROM ledger_account GROUP BY 1 HAVING sum(posted) <> 0`,
        [clientId, operatorId],
      );
      return Object.fromEntries(found.rows.map(({ name, posted }) => [name, posted]));
    },
    async readFaults() {
      const found = await fixtures.pool.query<{ check: string; bad_count: number }>(
        `SELECT "check", bad_count FROM reconcile() WHERE bad_count > 0`,
      );
      return Object.fromEntries(found.rows.map(({ check, bad_count }) => [check, bad_count]));
    },
    async close() {
      await db.close();
      await fixtures.close();
      await database.drop();
    },
  };
}
