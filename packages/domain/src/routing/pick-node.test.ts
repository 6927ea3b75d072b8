import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { anywhere, createNodePicker, emptyMemoMs, NodeIndex, type NodePicker, nodeSatisfies } from "./index.ts";
import { seededRandom, type TestFacts, type TestNode, testNode } from "../testing/index.ts";

let nowMs: number;
let index: NodeIndex<TestNode>;
let picker: NodePicker<TestNode>;

beforeEach(() => start(1));

function start(seed: number): void {
  nowMs = 0;
  index = new NodeIndex<TestNode>();
  picker = createNodePicker(index, { nowMs: () => nowMs, random: seededRandom(seed) });
}

function add(count: number, facts: TestFacts = {}): TestNode[] {
  return Array.from({ length: count }, () => {
    const node = testNode(facts);
    index.put(node);
    return node;
  });
}

const anyone = { mayTake: () => true, memo: null };
const only = (wanted: TestNode) => ({ mayTake: (node: TestNode) => node === wanted, memo: null });

/** How often each node was taken, with the time standing still. */
function takeMany(times: number, onTaken: (node: TestNode) => void = () => undefined): Map<TestNode, number> {
  const taken = new Map<TestNode, number>();
  for (let i = 0; i < times; i += 1) {
    const node = picker.pick(anywhere, anyone);
    if (node === null) throw new Error("nobody was taken");
    taken.set(node, (taken.get(node) ?? 0) + 1);
    onTaken(node);
  }
  return taken;
}

/** The chance that equal shares differ at least as much (Wilson and Hilferty's approximation of the chi-square tail). */
function chiSquareP(counts: readonly number[], total: number): number {
  const expected = total / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const degrees = counts.length - 1;
  const z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / Math.sqrt(2 / (9 * degrees));
  const t = 1 / (1 + 0.3275911 * Math.abs(z / Math.SQRT2));
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-(z ** 2) / 2);
  return z > 0 ? tail / 2 : 1 - tail / 2;
}

describe("a choice", () => {
  test("takes somebody exactly when one node satisfies the wish, serves, has room and may be taken", () => {
    const node = fc.record({
      country: fc.constantFrom("UZ", "KZ"),
      asn: fc.constantFrom(1, 2),
      isServing: fc.boolean(),
      hasRoom: fc.boolean(),
      publicAddress: fc.constantFrom("192.0.2.1", "192.0.2.2"),
    });
    const wish = { ...anywhere, countries: ["UZ"], asn: 1 };
    fc.assert(
      fc.property(fc.array(node, { maxLength: 40 }), fc.integer(), (nodes, seed) => {
        start(seed);
        const all = nodes.flatMap((facts) => add(1, facts));
        const mayTake = ({ publicAddress }: TestNode) => publicAddress === "192.0.2.1";
        const wanted = all.filter((each) => nodeSatisfies(each, wish) && each.isServing && each.hasRoom && mayTake(each));
        for (let i = 0; i < 3; i += 1) {
          const taken = picker.pick(wish, { mayTake, memo: null });
          if (wanted.length === 0) expect(taken).toBeNull();
          else expect(wanted).toContain(taken);
        }
      }),
    );
  });

  test("gives 1,000 equal nodes equal shares of 120,000 sessions", () => {
    const nodes = add(1_000);
    const taken = takeMany(120_000);
    expect(
      chiSquareP(
        nodes.map((node) => taken.get(node) ?? 0),
        120_000,
      ),
    ).toBeGreaterThan(0.001);
  });

  test("gives equal nodes equal shares when nothing is remembered between the sessions", () => {
    const nodes = add(1_000);
    const taken = takeMany(120_000, () => (nowMs += 1_000_000));
    expect(
      chiSquareP(
        nodes.map((node) => taken.get(node) ?? 0),
        120_000,
      ),
    ).toBeGreaterThan(0.001);
  });

  test.each([2, 7, 100])("keeps the loads of %i equal nodes within one stream of each other", (count) => {
    const nodes = add(count);
    takeMany(count * 20, (node) => (node.openStreams += 1));
    const loads = nodes.map(({ openStreams }) => openStreams);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(count > 8 ? 8 : 2);
  });

  test("gives a node with four times the capacity more of the sessions that stay open", () => {
    const [small] = add(1, { streamsMax: 64 });
    const [large] = add(1, { streamsMax: 256 });
    // Long sessions: what was given a while ago is open still, and counts as load only.
    takeMany(100, (node) => {
      node.openStreams += 1;
      nowMs += 300_000;
    });
    expect(large?.openStreams).toBeGreaterThan(70);
    expect(small?.openStreams).toBeGreaterThan(5);
  });

  test.each<[string, (node: TestNode) => void]>([
    ["that fails half of the time", ({ quality }) => failHalf(quality)],
    ["with a nearly empty battery", (node) => (node.batteryPercent = 10)],
    ["with a low score", (node) => (node.scoreMicros = 100_000)],
  ])("gives a node %s clearly less, and tries it still", (_what, spoil) => {
    const nodes = add(50);
    const [bad] = nodes;
    if (bad === undefined) throw new Error("there is no node");
    spoil(bad);
    const share = takeMany(50_000).get(bad) ?? 0;
    expect(share).toBeLessThan(500);
    expect(share).toBeGreaterThan(5);
  });

  test("does not mind a low battery that is being charged", () => {
    const [charged, other] = [...add(1, { batteryPercent: 10, isCharging: true }), ...add(1)];
    const taken = takeMany(1_000);
    if (charged === undefined || other === undefined) throw new Error("there is no node");
    expect(Math.abs((taken.get(charged) ?? 0) - (taken.get(other) ?? 0))).toBeLessThan(50);
  });
});

function failHalf(quality: TestNode["quality"]): void {
  for (let i = 0; i < 20; i += 1) {
    quality.failed(nowMs);
    quality.connected(50, nowMs);
  }
}

describe("a crowd of 1,000", () => {
  test("is searched to the last node that may be taken", () => {
    const last = add(1_000).at(-1);
    if (last === undefined) throw new Error("there is no node");
    expect(picker.pick(anywhere, only(last))).toBe(last);
  });

  test("is left out of the draw bit by bit when it turns out full, and asked again when parked nodes have room", () => {
    const nodes = add(1_000, { hasRoom: false });
    for (let i = 0; i < 100; i += 1) expect(picker.pick(anywhere, anyone)).toBeNull();
    expect(index.parked.size).toBe(1_000);
    for (const node of nodes) node.hasRoom = true;
    expect(nodes).toContain(picker.pick(anywhere, anyone));
  });

  test("gives parked nodes nothing while one is ready", () => {
    const nodes = add(1_000);
    const [ready, ...rest] = nodes;
    for (const node of rest) index.setReady(node, false);
    for (let i = 0; i < 20; i += 1) expect(picker.pick(anywhere, anyone)).toBe(ready);
  });

  test("that had nobody for a wish is not searched again for a moment, unless a node comes", () => {
    add(1_000);
    let asked = 0;
    const rules = {
      memo: "group",
      mayTake: () => {
        asked += 1;
        return false;
      },
    };
    const cost = (): number => {
      asked = 0;
      picker.pick(anywhere, rules);
      return asked;
    };
    expect(cost()).toBeGreaterThan(1_000);
    expect(cost()).toBeLessThan(20);
    nowMs += emptyMemoMs;
    expect(cost()).toBeGreaterThan(1_000);
    expect(cost()).toBeLessThan(20);
    add(1);
    expect(cost()).toBeGreaterThan(1_000);
  });
});
