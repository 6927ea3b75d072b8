/**
 * `npm run bench:router`: what one choice of an exit costs among tens of thousands of nodes that change all the time.
 *
 * Runs the router itself, without sockets, and prints one JSON line: microseconds a choice with churn, by wish; how equal
 * the shares of equal nodes are; what a refusal costs; memory a node in the index. Chance is seeded, so that two runs see
 * the same fleet. Times are CPU-bound: a busy machine shows in p99 and max, hardly in p50.
 */
import { type Ask, emptyAsk } from "@karvon/domain";
import { createRouter, type Router } from "../../apps/proxy/src/router/choose-exit.ts";
import { createNodeDirectory, type NodeDirectory } from "../../apps/proxy/src/router/node-directory.ts";
import { createStickySessions } from "../../apps/proxy/src/router/sticky-sessions.ts";
import { chiSquareP, percentile } from "./router-figures.ts";
import { type BenchNode, createFleet, equalFleet, type Fleet } from "./router-fleet.ts";

const nodeCount = 50_000;
const choiceCount = 400_000;
/** 20,000 choices and 5,000 changes a second, in the order in which they would come. */
const choicesPerChange = 4;
const sessionsOpenMax = 20_000;

interface Bed {
  readonly fleet: Fleet;
  readonly directory: NodeDirectory<BenchNode>;
  readonly router: Router<BenchNode>;
}

function layOut(fleet: Fleet): Bed {
  const nowMs = performance.now.bind(performance);
  const directory = createNodeDirectory<BenchNode>(nowMs);
  const router = createRouter({ directory, sticky: createStickySessions({ nowMs }), monotonicMs: nowMs, random: fleet.random });
  for (const node of fleet.nodes) directory.put(node);
  return { fleet, directory, router };
}

let requests = 0;
const tried: ReadonlySet<BenchNode> = new Set();

function ask(bed: Bed, wish: Ask): BenchNode | null {
  requests += 1;
  const exit = bed.router.choose({ proxyUserId: "pxu_1", requestId: `ses_${requests}`, ask: wish, tried });
  return exit.kind === "exit" ? exit.node : null;
}

/** Microseconds that each call took. */
function timed(calls: number, call: (i: number) => void): number[] {
  const took: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const startedMs = performance.now();
    call(i);
    took.push((performance.now() - startedMs) * 1_000);
  }
  return took;
}

const round = (value: number): number => Math.round(value * 100) / 100;

function summary(took: readonly number[]): Record<string, number> {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number => round(percentile(sorted, share));
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** One choice after the other over every kind of wish, while nodes join, leave and change between them. */
function measureChoices(bed: Bed): Record<string, unknown> {
  const kinds = Object.keys(bed.fleet.wishes);
  const byKind = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
  const changes: number[] = [];
  const open: BenchNode[] = [];
  let refused = 0;
  for (let i = 0; i < choiceCount; i += 1) {
    const kind = kinds[i % kinds.length] ?? "any";
    const wish = bed.fleet.wish(kind);
    let node: BenchNode | null = null;
    byKind.get(kind)?.push(...timed(1, () => (node = ask(bed, wish))));
    node = taken(node);
    if (node === null) refused += 1;
    else {
      node.openStreams += 1;
      bed.router.connected({ kind: "exit", node, sticky: null, isChanged: false }, 80);
      open.push(node);
    }
    if (open.length > sessionsOpenMax) endOne(bed, open);
    if (i % choicesPerChange === 0) changes.push(...timed(1, () => bed.fleet.change(bed.directory)));
  }
  const all = [...byKind.values()].flat();
  return {
    choiceUs: summary(all),
    byWishUs: Object.fromEntries([...byKind].map(([kind, took]) => [kind, summary(took)])),
    changeUs: summary(changes),
    choices: all.length,
    changes: changes.length,
    refused,
  };
}

/** Mean CPU time of a choice, by wish: what stays fair when the machine is busy. */
function measureCpu(bed: Bed): Record<string, number> {
  const means = Object.keys(bed.fleet.wishes).map((kind): [string, number] => {
    const wishes = Array.from({ length: 20_000 }, () => bed.fleet.wish(kind));
    const before = process.cpuUsage();
    for (const wish of wishes) ask(bed, wish);
    const { user, system } = process.cpuUsage(before);
    return [kind, round((user + system) / wishes.length)];
  });
  return Object.fromEntries(means);
}

/** TypeScript does not see that a callback assigned it. */
function taken(node: BenchNode | null): BenchNode | null {
  return node;
}

function endOne(bed: Bed, open: BenchNode[]): void {
  const at = Math.floor(bed.fleet.random() * open.length);
  const node = open[at];
  const last = open.pop();
  if (node === undefined || last === undefined) return;
  if (at < open.length) open[at] = last;
  node.openStreams -= 1;
  bed.router.ended(node, { isLost: false, bytes: 10_000, busyMs: 1_000 });
}

/** Refusals: one wish again and again, a new wish each time, and a fleet in which every node is full. Changes go on. */
function measureRefusals(bed: Bed): Record<string, unknown> {
  const nowhere: Ask = { ...emptyAsk, countries: ["AQ"] };
  const change = (i: number): void => {
    if (i % choicesPerChange === 0) bed.fleet.change(bed.directory);
  };
  const flood = (wishOf: (i: number) => Ask): Record<string, number> => {
    const took: number[] = [];
    for (let i = 0; i < 50_000; i += 1) {
      const wish = wishOf(i);
      took.push(...timed(1, () => void ask(bed, wish)));
      change(i);
    }
    return summary(took);
  };
  const { largest, farAsns } = bed.fleet;
  const { country } = largest;
  const result: Record<string, unknown> = {
    unknownCountryUs: flood(() => nowhere),
    newWishEachTimeUs: flood((i) => ({ ...emptyAsk, countries: [country], city: `nowhere${i}` })),
    // Both buckets are full of nodes, and no node stands in both.
    emptyIntersectionUs: flood((i) => ({
      ...emptyAsk,
      countries: [country],
      city: `city${i % 100}`,
      asn: farAsns[i % farAsns.length] ?? 0,
    })),
  };
  for (const node of bed.fleet.nodes) {
    node.openStreams = node.streamsMax;
    bed.directory.reconsider(node);
  }
  result["everyNodeFullUs"] = flood(() => emptyAsk);
  return result;
}

function measureShares(): Record<string, number> {
  const bed = layOut(equalFleet(1_000));
  const shares = new Map<BenchNode, number>();
  const choices = 120_000;
  for (let i = 0; i < choices; i += 1) {
    const node = ask(bed, emptyAsk);
    if (node !== null) shares.set(node, (shares.get(node) ?? 0) + 1);
  }
  const counts = bed.fleet.nodes.map((node) => shares.get(node) ?? 0);
  return {
    nodes: counts.length,
    choices,
    chiSquareP: round(chiSquareP(counts, choices)),
    min: Math.min(...counts),
    max: Math.max(...counts),
  };
}

function heapBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("run it with --expose-gc");
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function main(): void {
  const shares = measureShares();
  const fleet = createFleet(nodeCount);
  const before = heapBytes();
  const bed = layOut(fleet);
  const bytesPerNode = Math.round((heapBytes() - before) / nodeCount);
  const choices = measureChoices(bed);
  const cpuUsByWish = measureCpu(bed);
  const refusals = measureRefusals(bed);
  const cells = [...bed.directory.index.listCells()].length;
  process.stdout.write(
    `${JSON.stringify({ figure: "router", nodes: nodeCount, cells, ...choices, cpuUsByWish, refusals, bytesPerNode, shares })}\n`,
  );
}

main();
