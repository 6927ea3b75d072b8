/** Many seeds, a few of them at a time, each in a database of its own: what one of them does must not reach another. */
import type { LedgerLab } from "./ledger-lab.ts";
import { simulate, type SimulationReport } from "./simulation.ts";
import type { StreamClass } from "./simulated-stream.ts";

const labsMax = 3;

export async function simulateAll(
  seeds: readonly number[],
  openLab: () => Promise<LedgerLab>,
  streamClass?: StreamClass,
): Promise<SimulationReport[]> {
  const waiting = [...seeds];
  const reports: SimulationReport[] = [];
  async function work(): Promise<void> {
    const lab = await openLab();
    try {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift())
        reports.push(await simulate({ seed, lab, ...(streamClass === undefined ? {} : { streamClass }) }));
    } finally {
      await lab.close();
    }
  }
  await Promise.all(Array.from({ length: Math.min(labsMax, seeds.length) }, work));
  return reports.toSorted((a, b) => a.seed - b.seed);
}
