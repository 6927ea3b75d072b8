import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anywhere, emptyCellsMax, NodeIndex, nodeSatisfies, type RouteWish } from "./index.ts";
import { type TestNode, testNode } from "../testing/index.ts";

const maybe = <T>(values: readonly T[]): fc.Arbitrary<T | null> => fc.constantFrom(null, ...values);

const facts = fc.record({
  country: maybe(["UZ", "KZ", "DE"]),
  region: maybe(["Tashkent", "Sankt-Gallen"]),
  city: maybe(["Tashkent", "São Paulo"]),
  asn: maybe([1, 2]),
  asnName: maybe(["Uz Tel", "Uzmobile", "Beeline"]),
  connectionType: fc.constantFrom("mobile" as const, "wifi" as const, "residential" as const),
});

const wishes: fc.Arbitrary<RouteWish> = fc.record({
  countries: fc.constantFrom<readonly string[]>([], ["UZ"], ["DE"], ["UZ", "KZ"], ["KZ", "KZ"], ["FR"]),
  state: maybe(["tashkent", "sanktgallen"]),
  city: maybe(["tashkent", "saopaulo", "paris"]),
  asn: maybe([1, 2, 3]),
  isp: maybe(["uz", "uztel", "beeline", "none"]),
  carrier: maybe(["uz", "beeline"]),
  type: fc.constantFrom("any" as const, "mobile" as const, "wifi" as const, "residential" as const),
});

type Step =
  | { readonly kind: "put"; readonly node: number; readonly facts: Partial<TestNode> }
  | { readonly kind: "remove" | "park" | "ready"; readonly node: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("put" as const), node: fc.nat(15), facts }),
    fc.record({ kind: fc.constantFrom("remove" as const, "park" as const, "ready" as const), node: fc.nat(15) }),
  ),
  { maxLength: 80 },
);

/** The index and what it is to be equal to: a plain set of nodes. */
function play(history: readonly Step[]): { index: NodeIndex<TestNode>; filed: Set<TestNode>; parked: Set<TestNode> } {
  const index = new NodeIndex<TestNode>();
  const nodes = Array.from({ length: 16 }, () => testNode());
  const filed = new Set<TestNode>();
  const parked = new Set<TestNode>();
  for (const step of history) {
    const node = nodes[step.node] ?? testNode();
    if (step.kind === "put") {
      Object.assign(node, step.facts);
      index.put(node);
      filed.add(node);
    } else if (step.kind === "remove") {
      index.remove(node);
      filed.delete(node);
      parked.delete(node);
    } else {
      index.setReady(node, step.kind === "ready");
      if (step.kind === "park" && filed.has(node)) parked.add(node);
      else parked.delete(node);
    }
  }
  return { index, filed, parked };
}

function nodesIn(index: NodeIndex<TestNode>, wish: RouteWish, half: "ready" | "parked"): (TestNode | undefined)[] {
  const source = index.sourceOf(wish);
  const rows = source.buckets.flatMap((bucket) =>
    half === "ready" ? bucket.rows.slice(0, bucket.readyCount) : bucket.rows.slice(bucket.readyCount),
  );
  return rows.filter((row) => index.satisfies(row, source)).map((row) => index.nodeAt(row));
}

const byName = (nodes: Iterable<TestNode | undefined>): string[] => [...nodes].map((node) => node?.nodeId ?? "nobody").toSorted();

describe("the node index", () => {
  test("offers for every wish exactly the filed nodes that satisfy it, ready and parked apart, whatever happened before", () => {
    fc.assert(
      fc.property(steps, wishes, (history, wish) => {
        const { index, filed, parked } = play(history);
        const wanted = [...filed].filter((node) => nodeSatisfies(node, wish));
        expect(byName(nodesIn(index, wish, "ready"))).toEqual(byName(wanted.filter((node) => !parked.has(node))));
        expect(byName(nodesIn(index, wish, "parked"))).toEqual(byName(wanted.filter((node) => parked.has(node))));
      }),
      { numRuns: 500 },
    );
  });

  test("counts for every wish as many nodes as satisfy it, and says so when nobody else stands in its buckets", () => {
    fc.assert(
      fc.property(steps, wishes, (history, wish) => {
        const { index, filed } = play(history);
        const wanted = [...filed].filter((node) => nodeSatisfies(node, wish)).length;
        const source = index.sourceOf(wish);
        expect(index.count(wish)).toBe(wanted);
        if (source.screen === null) expect(source.total).toBe(wanted);
        expect(index.size).toBe(filed.size);
      }),
      { numRuns: 500 },
    );
  });

  test("lists every distinct place once, with its nodes", () => {
    fc.assert(
      fc.property(steps, (history) => {
        const { index, filed } = play(history);
        const cells = [...index.listCells()];
        expect(cells.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(filed.size);
        expect(new Set(cells.map(({ place }) => JSON.stringify(place))).size).toBe(cells.length);
        const placed = [...index.listCountries()].flatMap((country) => [...index.listCells(country)]);
        expect(new Set(placed)).toEqual(new Set(cells.filter(({ country }) => country !== null)));
      }),
    );
  });

  test.each<[Partial<RouteWish>, boolean]>([
    [{}, true],
    [{ countries: ["UZ"] }, true],
    [{ countries: ["UZ", "KZ"], type: "mobile" }, true],
    [{ countries: ["UZ"], city: "tashkent", type: "residential" }, true],
    [{ countries: ["UZ"], state: "tashkent" }, true],
    [{ asn: 8193, type: "wifi" }, true],
    [{ isp: "uzbek" }, true],
    [{ city: "tashkent" }, false],
    [{ countries: ["UZ"], asn: 8193 }, false],
    [{ countries: ["UZ"], state: "tashkent", city: "tashkent" }, false],
  ])("has a bucket of its own for %j: %s", (asked, isExact) => {
    const index = new NodeIndex<TestNode>();
    index.put(testNode());
    index.put(testNode({ country: "KZ", connectionType: "mobile" }));
    expect(index.sourceOf({ ...anywhere, ...asked }).screen === null).toBe(isExact);
  });

  test("keeps the right nodes when many places come and go", () => {
    const index = new NodeIndex<TestNode>();
    const stays = testNode({ city: "Nukus" });
    index.put(stays);
    for (let i = 0; i < emptyCellsMax * 2; i += 1) {
      const passing = testNode({ city: `City ${i}`, asnName: `Provider ${i}` });
      index.put(passing);
      index.remove(passing);
    }
    const last = testNode({ city: "City 1", asnName: "Provider 1" });
    index.put(last);
    expect(index.count({ ...anywhere, countries: ["UZ"], city: "nukus" })).toBe(1);
    expect(index.count({ ...anywhere, isp: "provider1" })).toBe(1);
    expect(index.count(anywhere)).toBe(2);
  });
});
