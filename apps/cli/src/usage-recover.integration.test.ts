import { join } from "node:path";
import type { SessionFacts } from "@karvon/billing";
import { newId } from "@karvon/domain";
import { openJournal } from "@karvon/journal";
import { printFigure } from "@karvon/testkit";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openPlatform, type Platform } from "./test/open-platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(() => platform.close());

async function makeFacts(): Promise<SessionFacts> {
  const { fixtures } = platform;
  const { clientId } = await fixtures.makeClient();
  const { proxyUserId } = await fixtures.makeProxyUser(clientId);
  const { operatorId } = await fixtures.makeOperator();
  const { nodeId } = await fixtures.makeNode(operatorId);
  const place = { exitAddress: null, exitCountry: null, exitCity: null, exitAsn: null, connectionType: null, clientAddress: null };
  const target = { protocol: "connect", targetHost: "example.com", targetPort: 443 } as const;
  const who = { clientId, proxyUserId, operatorId, nodeId, priceId: fixtures.priceId };
  return {
    id: newId("ses"),
    openedAtMs: Date.now(),
    ...who,
    ...place,
    ...target,
    stickySession: null,
    tag: null,
    connectMs: 1,
    hasPassword: true,
    failedAttempts: 0,
  };
}

test("M11: karvon usage-recover posts what a gateway that is gone left in its journal, and posts it once", async () => {
  const { fixtures, dataDir, json } = platform;
  const gatewayId = await fixtures.makeGateway();
  const directory = join(dataDir, "journal", gatewayId);
  const troubles: unknown[] = [];
  const note = (cause: unknown): void => void troubles.push(cause);
  const journal = await openJournal({ directory, gatewayId, epoch: 5n, nowMs: Date.now, onBroken: note, onTrouble: note });
  onTestFinished(() => journal.close());
  const facts = await makeFacts();
  journal.open(facts, { upBytes: 1_000_000, downBytes: 2_000_000 });
  // From here on nobody touches it: its process is gone.
  journal.commit();

  const found = { gatewayId, sessions: 1, journalBytes: 3_000_000, unknownSessions: [] };
  expect(await json("usage-recover", directory)).toEqual([{ ...found, postedBytes: 3_000_000 }]);
  expect(await json("usage-recover", join(dataDir, "journal"))).toEqual([{ ...found, postedBytes: 0 }]);
  const { rows } = await fixtures.pool.query("select up_bytes, down_bytes, close_reason from proxy_session where id = $1", [facts.id]);
  expect(rows).toEqual([{ up_bytes: 1_000_000n, down_bytes: 2_000_000n, close_reason: "gateway_lost" }]);
  expect(await fixtures.pool.query(`select "check" from reconcile() where bad_count > 0`)).toMatchObject({ rows: [] });
  expect(troubles).toEqual([]);
  printFigure("M11", { journalBytes: 3_000_000, lostBytes: 3_000_000 - Number(rows[0].up_bytes + rows[0].down_bytes), doubledBytes: 0 });
});

test("a folder that cannot be read is named in the refusal", async () => {
  expect(await platform.typed("usage-recover", join(platform.dataDir, "nowhere"))).toMatchObject({
    code: 2,
    err: expect.stringContaining("the folder cannot be read"),
  });
});
