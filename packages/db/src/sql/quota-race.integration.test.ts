import { isFullTier, printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { raceForBalance } from "../testing/quota-race.ts";
import { openUsageWorld } from "../testing/usage-world.ts";

const mib = 1_048_576;
const races = [
  { gateways: 32, balanceBytes: 1_000_000, wantBytes: mib, seed: 1 },
  isFullTier
    ? { gateways: 32, balanceBytes: 50_000_000_000, wantBytes: 256 * mib, seed: 2 }
    : { gateways: 8, balanceBytes: 2_000_000_000, wantBytes: 64 * mib, seed: 2 },
];

/** A repeatable sequence of numbers in [0, 1). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each(races)(
  "M08: $gateways gateways spend $balanceBytes bytes to the last one and none beyond, whatever is sent twice",
  async ({ gateways, balanceBytes, wantBytes, seed }) => {
    const world = await openUsageWorld();
    await world.fixtures.credit(world.clientId, BigInt(balanceBytes));
    const startedMs = performance.now();
    const tally = await raceForBalance(world, { gateways, duplicates: 0.2, wantBytes, random: seededRandom(seed) });
    const seconds = (performance.now() - startedMs) / 1_000;
    const { rows } = await world.fixtures.pool.query<{ posted: bigint; reserved: bigint }>(
      "SELECT posted, reserved FROM ledger_account WHERE kind = 'client_bytes' AND owner_id = $1",
      [world.clientId],
    );
    const faults = await world.readFaults();
    const { errors } = world;
    await world.close();
    const { posted = -1n, reserved = -1n } = rows[0] ?? {};
    printFigure("M08", {
      gateways,
      balanceBytes,
      overspendBytes: Number(posted < 0n ? -posted : 0n),
      unspentBytes: Number(posted),
      reservedBytes: Number(reserved),
      reconcileFaults: Object.keys(faults).length,
      ...tally,
      seconds: Number(seconds.toFixed(2)),
    });
    expect({ spent: tally.spentBytes, posted, reserved, faults, errors }).toEqual({
      spent: balanceBytes,
      posted: 0n,
      reserved: 0n,
      faults: {},
      errors: [],
    });
    expect(tally.duplicates).toBeGreaterThan(0);
  },
  120_000,
);
