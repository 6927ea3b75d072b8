import { type Fixtures, isFullTier, printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { LedgerLab } from "./test/simulation/ledger-lab.ts";
import { countDeadlocks } from "./test/simulation/lock-race.ts";
import { mutateFunction, mutateStream, type Mutation } from "./test/simulation/mutants.ts";
import { simulate } from "./test/simulation/simulation.ts";
import type { StreamClass } from "./test/simulation/simulated-stream.ts";

const seedsMax = 40;
const raceRounds = isFullTier ? 25 : 6;

/** What the first simulation that fails says of it; null when all are well. */
async function findFailure(prepare: (fixtures: Fixtures) => Promise<void>, streamClass?: StreamClass): Promise<string | null> {
  const lab = await LedgerLab.open(prepare);
  try {
    for (let seed = 1; seed <= seedsMax; seed += 1) {
      const { failures } = await simulate({ seed, lab, ...(streamClass === undefined ? {} : { streamClass }) });
      if (failures[0] !== undefined) return `M15 seed ${seed}: ${failures[0]}`;
    }
    return null;
  } finally {
    await lab.close();
  }
}

/** The batch is taken for a new one, whatever was posted under its name. */
const withoutDedupe: readonly Mutation[] = [
  [
    /INSERT INTO usage_batch [\s\S]*?RETURN NULL;\s+END IF;/,
    "batch.gateway_id := p_gateway; batch.epoch := p_epoch; batch.seq := p_seq; batch.sampled_at := p_sampled_at; batch.session_count := p_sessions;",
  ],
];
const withoutOrder: readonly Mutation[] = [[/ORDER BY a\.owner_id = 'network', a\.id\s+FOR NO KEY UPDATE/, "FOR NO KEY UPDATE"]];
/** Counters are taken for growth. */
const withoutTotals: readonly Mutation[] = [
  [/greatest\((\w+)\.up, (\w+)\.up_bytes\)/, "$1.up + $2.up_bytes"],
  [/greatest\((\w+)\.down, (\w+)\.down_bytes\)/, "$1.down + $2.down_bytes"],
];
const releasedFirst: readonly Mutation[] = [[/( *this\.#host\.beforeRelease\?\.\(\);\n)( *this\.sink\?\.uncork\(\);\n)/, "$2$1"]];

test("M16: whoever takes out one of the four rules is found out", async () => {
  const race = async (prepare?: Parameters<typeof countDeadlocks>[1]): Promise<string | null> => {
    const deadlocks = await countDeadlocks(raceRounds, prepare);
    return deadlocks === 0 ? null : `lock race: ${deadlocks} deadlocks (40P01)`;
  };
  // In the short tier the race of record-usage.integration.test.ts has shown it.
  if (isFullTier) expect({ race: await race() }).toEqual({ race: null });
  const killers = {
    "dedupe insert removed": await findFailure((fixtures) => mutateFunction(fixtures, "karvon_name_report", withoutDedupe)),
    "ORDER BY of the locks removed": await race((fixtures) => mutateFunction(fixtures, "karvon_apply", withoutOrder)),
    "forwarded before the journal": await findFailure(() => Promise.resolve(), await mutateStream(releasedFirst)),
    "deltas instead of totals": await findFailure((fixtures) => mutateFunction(fixtures, "karvon_raise_totals", withoutTotals)),
  };
  const killed = Object.values(killers).filter((killer) => killer !== null).length;
  printFigure("M16", {
    mutants: 4,
    killed,
    ...Object.fromEntries(Object.entries(killers).map(([mutant, killer]) => [mutant, killer ?? "nobody"])),
  });
  expect(killed).toBe(4);
}, 120_000);
