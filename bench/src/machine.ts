/** What machine this is, and whether somebody else is using it. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { mayPin } from "./processes.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly node: string;
  /** Whether the server had a core of its own. */
  readonly isPinned: boolean;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e8) / 10,
    os: `${process.platform} ${release()}`,
    node: process.version,
    isPinned: mayPin(),
  };
}

const sampleMs = 300;
const quietShare = 0.12;

/** Waits until the machine is nearly idle, at most `limitMs`. True when it became so. */
export async function waitForQuiet(limitMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const before = readCpu();
    await pause(sampleMs);
    const after = readCpu();
    if ((after.busy - before.busy) / Math.max(1, after.all - before.all) < quietShare) return true;
    if (performance.now() > deadlineMs) return false;
  }
}

function readCpu(): { busy: number; all: number } {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "";
  // user nice system idle iowait irq softirq steal; what guests used is already in user.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all };
}
