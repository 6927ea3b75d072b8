import { isFullTier, printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { listSeeds, readSeeds } from "./test/simulation/env.ts";
import { LedgerLab } from "./test/simulation/ledger-lab.ts";
import { simulateAll } from "./test/simulation/simulate-all.ts";
import { simulate } from "./test/simulation/simulation.ts";

const seeds = readSeeds() ?? listSeeds(1, isFullTier ? 2_000 : 20);

test("the same seed is the same run", async () => {
  const runs = await Promise.all(
    [1, 2].map(async () => {
      const lab = await LedgerLab.open();
      const report = await simulate({ seed: 2, lab });
      await lab.close();
      return report;
    }),
  );
  expect(runs[0]?.events.length).toBeGreaterThan(50);
  expect(runs[0]).toEqual(runs[1]);
});

test(
  "M15: whatever is lost, doubled, late, killed or torn, every byte that was received is billed once",
  async () => {
    const startedMs = performance.now();
    const reports = await simulateAll(seeds, () => LedgerLab.open());
    const failed = reports.filter(({ failures }) => failures.length > 0);
    const sum = (of: (report: (typeof reports)[number]) => number): number => reports.reduce((total, report) => total + of(report), 0);
    printFigure("M15", {
      seeds: reports.length,
      failingSeeds: failed.length,
      sessions: sum(({ sessions }) => sessions),
      kills: sum(({ kills }) => kills),
      billedBytes: sum(({ billedBytes }) => billedBytes),
      seconds: Number(((performance.now() - startedMs) / 1_000).toFixed(1)),
    });
    for (const { seed: failing, events, failures } of failed.slice(0, 3))
      process.stdout.write(`KARVON_SIM_SEED=${failing}\n${events.slice(-60).join("\n")}\n${failures.join("\n")}\n`);
    expect(failed.map(({ seed: failing, failures }) => `seed ${failing}: ${failures[0] ?? ""}`)).toEqual([]);
  },
  isFullTier ? 1_800_000 : 120_000,
);
