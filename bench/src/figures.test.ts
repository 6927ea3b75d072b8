import { expect, test } from "vitest";
import { computeFigures, type Run } from "./figures.ts";
import type { Machine } from "./machine.ts";
import { figuresTable } from "./table.ts";

const machine: Machine = { cpu: "test", cores: 2, memoryGb: 4, os: "linux", node: "v20", isPinned: true };
const at = "2026-01-01T00:00:00.000Z";

function requests(peer: Run["peer"], requestsPerS: number, otherCpuPercent = 0): Run {
  return { peer, work: "requests", repetition: 0, at, result: { requestsPerS, otherCpuPercent } };
}

function figureOf(runs: readonly Run[], name = "requests"): ReturnType<typeof computeFigures>[number] | undefined {
  return computeFigures(runs, machine, at).find((figure) => figure.figure === name);
}

function memory(rssKb: number): object {
  return { server: { rssKb, anonKb: rssKb / 4 } };
}

test("a figure is the median of its repetitions", () => {
  const runs = [requests("karvon", 10), requests("karvon", 90), requests("karvon", 20), requests("proxy-chain", 40)];
  expect(figureOf(runs)).toMatchObject({ karvon: 20, "proxy-chain": 40, ratio: 0.5 });
});

test("an even number of repetitions takes the middle of the two in the middle", () => {
  expect(figureOf([requests("karvon", 10), requests("karvon", 30)])).toMatchObject({ karvon: 20 });
});

test("disturbed repetitions are left out while a quiet one remains, and kept when none does", () => {
  expect(figureOf([requests("karvon", 10, 60), requests("karvon", 30, 2)])).toMatchObject({
    karvon: 30,
    machine: { otherCpuPercent: { karvon: 2 } },
  });
  expect(figureOf([requests("karvon", 10, 60), requests("karvon", 30, 40)])).toMatchObject({
    karvon: 20,
    machine: { otherCpuPercent: { karvon: 60 } },
  });
});

test("a peer that was not measured is null and has no ratio", () => {
  expect(figureOf([requests("proxy-chain", 40)])).toMatchObject({ karvon: null, "proxy-chain": 40, ratio: null });
});

test("runs without a proxy appear in no figure", () => {
  expect(computeFigures([requests("direct", 40)], machine, at)).toEqual([]);
});

test("a held session is the growth of resident memory over the sessions that opened", () => {
  const result = { opened: 1000, alive: 1000, otherCpuPercent: 80, memoryBefore: memory(50_000), memoryHeld: memory(56_000) };
  const runs: Run[] = [{ peer: "karvon", work: "hold1000", repetition: 0, at, result }];
  expect(figureOf(runs, "held session (1,000)")).toMatchObject({
    karvon: 6,
    unit: "KB",
    // What others do to the CPU says nothing about memory.
    machine: { otherCpuPercent: { karvon: null } },
  });
  expect(figureOf(runs, "idle RssAnon")?.karvon).toBeCloseTo(12.2, 1);
});

test("a run in which nothing was opened has no cost per session or tunnel", () => {
  const result = { opened: 0, tunnels: 0, cpuS: { server: 1 } };
  const runs: Run[] = [
    { peer: "karvon", work: "hold1000", repetition: 0, at, result },
    { peer: "karvon", work: "tunnels", repetition: 0, at, result },
  ];
  expect(computeFigures(runs, machine, at)).toEqual([]);
});

test("the table marks what was measured while others used the machine", () => {
  const figures = computeFigures([requests("karvon", 30_000, 2), requests("proxy-chain", 20_000, 25)], machine, at);
  expect(figuresTable(figures).split("\n")).toEqual([
    "| figure | unit | Karvon | proxy-chain 3.0.1 | ratio |",
    "|---|---|---:|---:|---:|",
    "| requests | requests/s | 30,000 | ~20,000 | 1.50 |",
  ]);
});
