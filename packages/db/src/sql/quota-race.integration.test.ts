import { isFullTier, printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { raceForBalance } from "../testing/quota-race.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { openUsageWorld, type UsageWorld } from "../testing/usage-world.ts";

const mib = 1_048_576;
/** What is spent to its end: the balance, what a proxy user may carry in a day, or what a tag may. */
type What = "balance" | "userDay" | "tagDay";
const races: { what: What; gateways: number; bytes: number; wantBytes: number; seed: number }[] = [
  { what: "balance", gateways: 32, bytes: 1_000_000, wantBytes: mib, seed: 1 },
  isFullTier
    ? { what: "balance", gateways: 32, bytes: 50_000_000_000, wantBytes: 256 * mib, seed: 2 }
    : { what: "balance", gateways: 8, bytes: 2_000_000_000, wantBytes: 64 * mib, seed: 2 },
  { what: "userDay", gateways: isFullTier ? 32 : 8, bytes: isFullTier ? 5_000_000_000 : 5_000_000, wantBytes: 16 * mib, seed: 3 },
  { what: "tagDay", gateways: isFullTier ? 32 : 8, bytes: isFullTier ? 5_000_000_000 : 5_000_000, wantBytes: 16 * mib, seed: 4 },
];

async function setCap({ fixtures, clientId, proxyUserId }: UsageWorld, what: What, bytes: number): Promise<void> {
  if (what === "userDay") await fixtures.pool.query("UPDATE proxy_user SET day_limit_bytes = $2 WHERE id = $1", [proxyUserId, bytes]);
  if (what === "tagDay")
    await fixtures.pool.query("INSERT INTO tag_cap (client_id, tag, day_limit_bytes) VALUES ($1, 'crawl', $2)", [clientId, bytes]);
}

test.each(races)(
  "M08: $gateways gateways spend $what of $bytes bytes to the last one and none beyond, whatever is sent twice",
  async ({ what, gateways, bytes, wantBytes, seed }) => {
    const world = await openUsageWorld();
    const balanceBytes = what === "balance" ? bytes : bytes * 2;
    await world.fixtures.credit(world.clientId, BigInt(balanceBytes));
    await setCap(world, what, bytes);
    const startedMs = performance.now();
    const tag = what === "tagDay" ? "crawl" : null;
    const tally = await raceForBalance(world, { gateways, duplicates: 0.2, wantBytes, tag, random: seededRandom(seed) });
    const seconds = (performance.now() - startedMs) / 1_000;
    const { rows } = await world.fixtures.pool.query<{ posted: bigint; reserved: bigint }>(
      "SELECT posted, reserved FROM ledger_account WHERE kind = 'client_bytes' AND owner_id = $1",
      [world.clientId],
    );
    const caps = await world.fixtures.pool.query<{ used: bigint; held: bigint }>(
      "SELECT used_bytes AS used, (SELECT sum(granted - spent)::bigint FROM tag_grant) AS held FROM tag_cap",
    );
    const faults = await world.readFaults();
    const { errors } = world;
    await world.close();
    const { posted = -1n, reserved = -1n } = rows[0] ?? {};
    printFigure("M08", {
      what,
      gateways,
      bytes,
      overspendBytes: Math.max(0, tally.spentBytes - bytes),
      unspentBytes: bytes - tally.spentBytes,
      reservedBytes: Number(reserved),
      reconcileFaults: Object.keys(faults).length,
      ...tally,
      seconds: Number(seconds.toFixed(2)),
    });
    expect({ spent: tally.spentBytes, posted, reserved, caps: caps.rows, faults, errors }).toEqual({
      spent: bytes,
      posted: BigInt(balanceBytes - bytes),
      reserved: 0n,
      caps: tag === null ? [] : [{ used: BigInt(bytes), held: 0n }],
      faults: {},
      errors: [],
    });
    expect(tally.duplicates).toBeGreaterThan(0);
  },
  120_000,
);
