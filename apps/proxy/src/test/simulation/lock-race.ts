/** Many gateways that post for the same clients at the same moment, each in an order of its own. */
import { openGatewayDatabase, type SessionFacts } from "@karvon/db/sql";
import { createTestDatabase, type Fixtures, openFixtures } from "@karvon/testkit";
import { Random } from "./random.ts";

const gatewaysMax = 8;
const clientsMax = 24;

/** Answers how many reports the database ended because their locks stood in a circle. Rejects when one failed for another reason. */
export async function countDeadlocks(
  rounds: number,
  prepare: (fixtures: Fixtures) => Promise<void> = async () => undefined,
): Promise<number> {
  const test = await createTestDatabase();
  const fixtures = openFixtures(test.url);
  try {
    await prepare(fixtures);
    // So long a transaction waits before it looks for a circle; a second would be most of the test.
    await fixtures.pool.query(`ALTER DATABASE "${new URL(test.url).pathname.slice(1)}" SET deadlock_timeout = '20ms'`);
    const sessions = await openSessions(fixtures);
    const races = Array.from({ length: gatewaysMax }, (_, at) => race(test.url, fixtures, sessions, at, rounds));
    return (await Promise.all(races)).reduce((sum, count) => sum + count, 0);
  } finally {
    await fixtures.close();
    await test.drop();
  }
}

type Session = Omit<SessionFacts, "id" | "openedAtMs">;

async function openSessions(fixtures: Fixtures): Promise<Session[]> {
  const place = { exitAddress: null, exitCountry: "DE", exitCity: null, exitAsn: null, connectionType: "wifi" };
  const rest = { clientAddress: null, hasPassword: true, stickySession: null, tag: null, connectMs: 1, failedAttempts: 0 };
  const sessions: Session[] = [];
  while (sessions.length < clientsMax) {
    const { clientId } = await fixtures.makeClient();
    const { operatorId } = await fixtures.makeOperator();
    const { proxyUserId } = await fixtures.makeProxyUser(clientId);
    const { nodeId } = await fixtures.makeNode(operatorId);
    const target = { protocol: "connect" as const, targetHost: "example.com", targetPort: 443 };
    sessions.push({ clientId, proxyUserId, operatorId, nodeId, priceId: fixtures.priceId, ...target, ...place, ...rest });
  }
  return sessions;
}

async function race(url: string, fixtures: Fixtures, sessions: readonly Session[], at: number, rounds: number): Promise<number> {
  const gatewayId = await fixtures.makeGateway();
  const random = new Random(at);
  const database = openGatewayDatabase({ url, poolMax: 1, onError: () => undefined });
  const openedAtMs = Date.UTC(2026, 4, 5, 10);
  let deadlocks = 0;
  for (let seq = 1, round = 1; round <= rounds; round += 1) {
    const own = sessions.map((session, number) => ({ ...session, id: `ses_${gatewayId}_${round}_${number}`, openedAtMs }));
    const some = own.toSorted(() => random.next() - 0.5).slice(0, random.between(2, clientsMax));
    const counters = some.map(({ id }) => ({ id, openedAtMs, upBytes: 1_000, downBytes: 1_000 }));
    try {
      await database.recordUsage({ gatewayId, epoch: 1n, seq: BigInt(seq), sampledAtMs: openedAtMs, opened: some, counters });
      seq += 1;
    } catch (cause) {
      if (!(cause instanceof Error) || Reflect.get(cause, "code") !== "40P01") throw cause;
      deadlocks += 1;
    }
  }
  await database.close();
  return deadlocks;
}
