import { expect, test } from "vitest";
import { computeFigures, type Run } from "./figures.ts";
import type { Machine } from "./machine.ts";
import { readObject } from "./json.ts";
import { figuresTable } from "./table.ts";
import { beginMarker, endMarker, putTable } from "./write-docs.ts";

const machine: Machine = { cpu: "test", cores: 2, memoryGb: 4, os: "linux", node: "v20", isPinned: true };
const at = "2026-01-01T00:00:00.000Z";

function requests(peer: Run["peer"], requestsPerS: number, otherCpuPercent = 0): Run {
  return { peer, work: "requests", repetition: 0, at, result: { requestsPerS, otherCpuPercent } };
}

function absoluteForm(peer: Run["peer"], requestsPerS: number, otherCpuPercent = 0): Run {
  return { peer, work: "absolute", repetition: 0, at, result: { requestsPerS, otherCpuPercent } };
}

function figureOf(runs: readonly Run[], name = "requests"): ReturnType<typeof computeFigures>[number] | undefined {
  return computeFigures(runs, machine, at).find((figure) => figure.figure === name);
}

function memory(rssKb: number): object {
  return { server: { rssKb, anonKb: rssKb / 4 } };
}

test("a figure is the median of its repetitions", () => {
  const runs = [requests("karvon", 10), requests("karvon", 90), requests("karvon", 20), requests("proxy-chain", 40)];
  expect(figureOf(runs)).toMatchObject({ values: { karvon: 20, "proxy-chain": 40 }, ratios: { "proxy-chain": 0.5 } });
});

test("an even number of repetitions takes the middle of the two in the middle", () => {
  expect(figureOf([requests("karvon", 10), requests("karvon", 30)])).toMatchObject({ values: { karvon: 20 } });
});

test("disturbed repetitions are left out while a quiet one remains, and kept when none does", () => {
  expect(figureOf([requests("karvon", 10, 60), requests("karvon", 30, 2)])).toMatchObject({
    values: { karvon: 30 },
    machine: { otherCpuPercent: { karvon: 2 } },
  });
  expect(figureOf([requests("karvon", 10, 60), requests("karvon", 30, 40)])).toMatchObject({
    values: { karvon: 20 },
    machine: { otherCpuPercent: { karvon: 60 } },
  });
});

test("without Karvon a figure has no ratio, and whether its goal is met cannot be told", () => {
  expect(figureOf([requests("proxy-chain", 40)])).toMatchObject({
    values: { "proxy-chain": 40 },
    ratios: {},
    goal: { text: ">= 1.21 x Go, yamux over TLS (30,000 where it had 24,775)", isMet: null },
  });
});

test("a goal is met or missed by Karvon's figure alone", () => {
  const name = "absolute-form requests";
  expect(figureOf([absoluteForm("karvon", 16_000), absoluteForm("proxy-chain", 5)], name)).toMatchObject({ goal: { isMet: true } });
  expect(figureOf([absoluteForm("karvon", 15_999), absoluteForm("proxy-chain", 90_000)], name)).toMatchObject({ goal: { isMet: false } });
});

test("a goal set on another machine is the same distance from its peer on this one", () => {
  expect(figureOf([requests("karvon", 12_100), requests("yamux", 10_000)])).toMatchObject({ goal: { isMet: true } });
  expect(figureOf([requests("karvon", 29_999), requests("yamux", 24_800)])).toMatchObject({ goal: { isMet: false } });
});

test("a goal that compares with a peer waits for that peer", () => {
  const down = (peer: Run["peer"], downMbPerS: number): Run => ({ peer, work: "down", repetition: 0, at, result: { downMbPerS } });
  expect(figureOf([down("karvon", 600)], "down")).toMatchObject({ goal: { isMet: null } });
  expect(figureOf([down("karvon", 600), down("yamux", 500)], "down")).toMatchObject({ goal: { isMet: true } });
  expect(figureOf([down("karvon", 599), down("yamux", 500)], "down")).toMatchObject({ goal: { isMet: false } });
});

test("runs without a proxy appear in no figure", () => {
  expect(computeFigures([requests("direct", 40)], machine, at)).toEqual([]);
});

test("a held session is the growth of resident memory over the sessions that opened", () => {
  const result = { opened: 1000, alive: 1000, otherCpuPercent: 80, memoryBefore: memory(50_000), memoryHeld: memory(56_000) };
  const runs: Run[] = [{ peer: "karvon", work: "hold1000", repetition: 0, at, result }];
  expect(figureOf(runs, "memory of a session, 1,000 held")).toMatchObject({
    values: { karvon: 6 },
    unit: "KB",
    // What others do to the CPU says nothing about memory.
    machine: { otherCpuPercent: {} },
  });
  expect(figureOf(runs, "idle RssAnon")?.values.karvon).toBeCloseTo(12.2, 1);
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
  const figures = computeFigures([absoluteForm("karvon", 16_000, 2), absoluteForm("proxy-chain", 4_000, 25)], machine, at);
  expect(figuresTable(figures).split("\n")).toEqual([
    "| figure | unit | goal | Karvon | proxy-chain 3.0.1 | by proxy-chain |",
    "| --- | --- | --- | ---: | ---: | ---: |",
    "| absolute-form requests | requests/s | >= 16,000 met | 16,000 | ~4,000 | 4.00 |",
  ]);
});

test("the table has a column for each peer that was measured and no other", () => {
  const figures = computeFigures([absoluteForm("karvon", 15_000), absoluteForm("squid", 10_000)], machine, at);
  expect(figuresTable(figures).split("\n").at(-1)).toBe("| absolute-form requests | requests/s | >= 16,000 **missed** | 15,000 | 10,000 |");
});

test("only answers to what fell due count beside stalled readers", () => {
  const stalled = (requestsDone: number): Run => ({
    peer: "karvon",
    work: "stalled",
    repetition: 0,
    at,
    result: { issued: 200, requests: requestsDone },
  });
  const name = "answered of 400 beside 8 stalled readers";
  expect(figureOf([stalled(200)], name)).toMatchObject({ values: { karvon: 400 }, goal: { isMet: true } });
  expect(figureOf([stalled(199)], name)).toMatchObject({ values: { karvon: 398 }, goal: { isMet: false } });
});

test("figures replace what stands between the markers, and only that", () => {
  const figures = computeFigures([absoluteForm("karvon", 16_000)], machine, at).map((figure) => readObject(JSON.stringify(figure)));
  const before = `# Title\n\n${beginMarker}\nold\n${endMarker}\nafter\n`;
  const once = putTable(before, figures);
  expect(once).toMatch(/^# Title\n\n<!-- figures: begin -->\n\n- 2026-01-01: 2 cores of test/);
  expect(once).toContain("| absolute-form requests | requests/s | >= 16,000 met | 16,000 |");
  expect(once).not.toContain("old");
  expect(once.endsWith(`${endMarker}\nafter\n`)).toBe(true);
  expect(putTable(once, figures)).toBe(once);
});

test("a document without markers is refused, not overwritten", () => {
  expect(() => putTable("# Title\n", [{ figure: "requests" }])).toThrow("has no <!-- figures: begin -->");
});
