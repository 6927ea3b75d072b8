import { join } from "node:path";
import type { SessionFacts } from "@karvon/billing";
import { type GatewayDatabase, openGatewayDatabase } from "@karvon/db/sql";
import { newId } from "@karvon/domain";
import { openJournal } from "@karvon/journal";
import { isFullTier, printFigure } from "@karvon/testkit";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { makeFacts } from "./test/make-facts.ts";
import { openPlatform, type Platform } from "./test/open-platform.ts";

const boughtBytes = 3_000_000;
/** What one gateway is granted of it at first. */
const carriedBytes = boughtBytes / 2;

let platform: Platform;
let ledger: GatewayDatabase;
beforeAll(async () => {
  platform = await openPlatform();
  ledger = openGatewayDatabase({ url: platform.databaseUrl, onError: () => undefined });
});
afterAll(async () => {
  await ledger.close();
  await platform.close();
});

interface Gone {
  readonly facts: SessionFacts;
  readonly gatewayId: string;
  readonly directory: string;
}

/** A gateway that has carried what it was granted, and whose process is gone: nobody touches its journal from then on. */
async function leaveJournal(): Promise<Gone> {
  const { fixtures, dataDir } = platform;
  const facts = await makeFacts(fixtures, { openedAtMs: Date.now() - 60_000 });
  const { clientId, proxyUserId } = facts;
  await fixtures.credit(clientId, BigInt(boughtBytes));
  const gatewayId = await fixtures.makeGateway();
  const epoch = BigInt(facts.openedAtMs - 1_000);
  const ask = { clientId, proxyUserId, gatewayId, epoch, turn: 1, spentBytes: null, wantBytes: boughtBytes };
  expect(await ledger.takeQuota(ask)).toMatchObject({ grantedBytes: carriedBytes });
  const directory = join(dataDir, "journal", gatewayId);
  const never = (cause: unknown): never => {
    throw cause;
  };
  const journal = await openJournal({
    directory,
    gatewayId,
    epoch,
    nowMs: Date.now,
    segmentBytes: 65_536,
    onBroken: never,
    onTrouble: never,
  });
  onTestFinished(() => journal.close());
  journal.open(facts, { upBytes: 500_000, downBytes: carriedBytes - 500_000 });
  journal.commit();
  return { facts, gatewayId, directory };
}

/** Another gateway of the same client carries all that was bought. */
async function spendElsewhere(facts: SessionFacts): Promise<void> {
  const openedAtMs = Date.now();
  const session = { ...facts, id: newId("ses"), openedAtMs };
  const counter = { id: session.id, openedAtMs, upBytes: 0, downBytes: boughtBytes, closedAtMs: openedAtMs, closeReason: "finished" };
  const batch = { gatewayId: await platform.fixtures.makeGateway(), epoch: BigInt(openedAtMs), seq: 1n, sampledAtMs: openedAtMs };
  await ledger.recordUsage({ ...batch, opened: [session], counters: [counter] });
}

test("M11: karvon usage-recover posts once what gateways that never come back had carried, also when their grants were given up", async () => {
  const { fixtures, dataDir, json } = platform;
  const gateways = isFullTier ? 20 : 2;
  const gone: Gone[] = [];
  for (let number = 0; number < gateways; number += 1) gone.push(await leaveJournal());
  // Eleven minutes later.
  await fixtures.pool.query("UPDATE quota_grant SET expires_at = expires_at - interval '12 min'");
  const { lost } = await ledger.releaseQuotas(await fixtures.makeGateway(), 0n);
  for (const { facts } of gone) await spendElsewhere(facts);

  const [first] = gone;
  const found = (one: Gone, postedBytes: number): unknown => ({
    gatewayId: one.gatewayId,
    sessions: 1,
    journalBytes: carriedBytes,
    postedBytes,
    unknownSessions: [],
  });
  expect(await json("usage-recover", first?.directory ?? "")).toEqual(gone.slice(0, 1).map((one) => found(one, carriedBytes)));
  const all = await json("usage-recover", join(dataDir, "journal"));
  expect(all).toHaveLength(gateways);
  expect(all).toEqual(expect.arrayContaining(gone.map((one) => found(one, one === first ? 0 : carriedBytes))));

  const sessions = await fixtures.pool.query(
    "SELECT up_bytes, down_bytes FROM proxy_session WHERE id = ANY ($1) AND close_reason = 'gateway_lost'",
    [gone.map(({ facts }) => facts.id)],
  );
  const billed = sessions.rows.reduce((sum, row) => sum + Number(row.up_bytes + row.down_bytes), 0);
  const accounts = await fixtures.pool.query(
    "SELECT posted, reserved, is_overdrawn FROM ledger_account WHERE kind = 'client_bytes' AND owner_id = ANY ($1)",
    [gone.map(({ facts }) => facts.clientId)],
  );
  const carried = gateways * carriedBytes;
  const figure = {
    gateways,
    grantsLost: Number(lost),
    carriedBytes: carried,
    lostBytes: Math.max(0, carried - billed),
    doubledBytes: Math.max(0, billed - carried),
    overdrawnAccounts: accounts.rows.filter((row) => row.is_overdrawn).length,
  };
  printFigure("M11", figure);
  expect(figure).toMatchObject({ grantsLost: gateways, lostBytes: 0, doubledBytes: 0, overdrawnAccounts: gateways });
  expect(accounts.rows).toEqual(gone.map(() => ({ posted: BigInt(-carriedBytes), reserved: 0n, is_overdrawn: true })));
  expect(await fixtures.pool.query(`SELECT "check" FROM reconcile() WHERE bad_count > 0`)).toMatchObject({ rows: [] });
});

test("a folder that cannot be read is named in the refusal", async () => {
  expect(await platform.typed("usage-recover", join(platform.dataDir, "nowhere"))).toMatchObject({
    code: 2,
    err: expect.stringContaining("the folder cannot be read"),
  });
});
