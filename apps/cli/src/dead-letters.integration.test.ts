import { recordBatch } from "@karvon/billing";
import { openGatewayDatabase } from "@karvon/db/sql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFacts } from "./test/make-facts.ts";
import { openPlatform, type Platform } from "./test/open-platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(() => platform.close());

test("a report that the ledger refused is listed with its reason, and posted once that is mended", async () => {
  const { fixtures, databaseUrl, typed, json } = platform;
  const ledger = openGatewayDatabase({ url: databaseUrl, onError: () => undefined });
  const facts = await makeFacts(fixtures, { priceId: "prc_gone" });
  const gatewayId = await fixtures.makeGateway();
  const counters = [{ id: facts.id, openedAtMs: facts.openedAtMs, upBytes: 1_000_000, downBytes: 0 }];
  await recordBatch(ledger, { gatewayId, epoch: 1n, seq: 1n, sampledAtMs: facts.openedAtMs, opened: [facts], counters });
  await ledger.close();

  expect(await typed("usage-dead-letters", "list")).toMatchObject({ code: 1, out: expect.stringContaining("a price that does not exist") });
  expect(await typed("usage-dead-letters", "retry")).toMatchObject({ code: 1, out: expect.stringContaining("0 posted, 1 refused again") });
  await fixtures.pool.query(
    "INSERT INTO price (id, name, pico_usd_per_byte, operator_pico_usd_per_byte, is_listed) VALUES ('prc_gone', 'Mended', 3000, 1800, false)",
  );
  expect(await json("usage-dead-letters", "retry")).toMatchObject({ posted: [1], refused: [] });
  expect(await json("usage-dead-letters", "list")).toEqual([]);
  const audit = await fixtures.pool.query("select action, subject_id from audit_log");
  expect(audit.rows).toEqual([{ action: "usage.post_dead_letter", subject_id: facts.id }]);
  expect(await fixtures.pool.query(`select "check" from reconcile() where bad_count > 0`)).toMatchObject({ rows: [] });
});
