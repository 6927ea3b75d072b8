import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anywhere,
  chooseNode,
  explainEmptyRoute,
  nodeSatisfies,
  placeSlug,
  type RouteNode,
  type RouteWish,
  widenWish,
  wishKey,
} from "./index.ts";

interface TestNode extends RouteNode {
  readonly name: string;
}

function node(name: string, facts: Partial<RouteNode> = {}): TestNode {
  return {
    name,
    country: "UZ",
    region: "Tashkent",
    city: "Tashkent",
    asn: 8193,
    asnName: "Uzbektelekom",
    connectionType: "wifi",
    openStreams: 0,
    streamsGiven: 0,
    ...facts,
  };
}

const any = () => true;

describe("chooseNode", () => {
  test("never takes a node that is not usable, and finds the only usable one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 40 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (usable, numbers) => {
          const nodes = usable.map((isUsable, i) => node(isUsable ? "usable" : "not", { streamsGiven: i }));
          const chosen = chooseNode(
            nodes,
            (candidate) => candidate.name === "usable",
            () => numbers.next().value ?? 0,
          );
          expect(chosen?.name).toBe(usable.includes(true) ? "usable" : undefined);
        },
      ),
    );
  });

  test("prefers the less loaded of two", () => {
    const draws = [0, 0.5];
    const chosen = chooseNode([node("busy", { openStreams: 9 }), node("idle", { openStreams: 1 })], any, () => draws.shift() ?? 0);
    expect(chosen?.name).toBe("idle");
  });

  test("spreads 12,000 short requests over 12 equal nodes within 3 % of each other", () => {
    const nodes = Array.from({ length: 12 }, (_, i) => ({ ...node(`n${i}`), streamsGiven: 0 }));
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let i = 0; i < 12_000; i += 1) {
      const chosen = chooseNode(nodes, any, random);
      if (chosen !== null) chosen.streamsGiven += 1;
    }
    for (const { streamsGiven } of nodes) expect(Math.abs(streamsGiven - 1_000)).toBeLessThan(30);
  });
});

describe("a wish", () => {
  const wish = (facts: Partial<RouteWish>): RouteWish => ({ ...anywhere, ...facts });

  test.each<[Partial<RouteWish>, Partial<RouteNode>, boolean]>([
    [{}, { country: null }, true],
    [{ countries: ["UZ"] }, {}, true],
    [{ countries: ["KZ", "UZ"] }, {}, true],
    [{ countries: ["KZ"] }, {}, false],
    [{ countries: ["UZ"] }, { country: null }, false],
    [{ city: "newyork" }, { city: "New York" }, true],
    [{ city: "saopaulo" }, { city: "São Paulo" }, true],
    [{ city: "tashkent" }, { city: null }, false],
    [{ asn: 8193 }, {}, true],
    [{ asn: 1 }, {}, false],
    [{ isp: "uzbek" }, {}, true],
    [{ carrier: "uzbek" }, {}, false],
    [{ carrier: "uzbek" }, { connectionType: "mobile" }, true],
    [{ type: "mobile" }, {}, false],
    [{ type: "mobile" }, { connectionType: "mobile" }, true],
    [{ type: "residential" }, { connectionType: "wifi" }, true],
    [{ type: "residential" }, { connectionType: "mobile" }, false],
    [{ type: "wifi" }, { connectionType: "residential" }, false],
  ])("%j on %j is %s", (asked, facts, expected) => {
    expect(nodeSatisfies(node("n", facts), wish(asked))).toBe(expected);
  });

  test("has one key however its countries are ordered, and another for another place", () => {
    expect(wishKey(wish({ countries: ["US", "CA"] }))).toBe(wishKey(wish({ countries: ["CA", "US"] })));
    expect(wishKey(wish({ city: "a" }))).not.toBe(wishKey(wish({ state: "a" })));
  });

  test("widens places only", () => {
    const narrow = wish({ countries: ["UZ"], state: "r", city: "c", type: "mobile" });
    expect(widenWish(narrow, "state")).toEqual({ ...narrow, city: null });
    expect(widenWish(narrow, "country")).toEqual({ ...narrow, city: null, state: null });
    expect(widenWish(narrow, "any")).toEqual({ ...narrow, city: null, state: null, countries: [] });
  });

  test("that nobody satisfies is explained filter by filter", () => {
    const nodes = [node("a"), node("b", { city: "Samarkand" }), node("c", { country: "KZ" })];
    expect(explainEmptyRoute(nodes, wish({ countries: ["UZ"], city: "tashkent", type: "mobile" }))).toBe(
      "3 nodes online; country UZ left 2, city tashkent left 1, type mobile left 0",
    );
    expect(explainEmptyRoute([], anywhere)).toBe("0 nodes online");
    expect(explainEmptyRoute([node("a")], anywhere)).toBe("1 node online; of these 1 none is free or untried");
  });
});

test("a place slug forgets case, accents and separators", () => {
  expect(["us_New York", "new_york", "NEW+YORK", "São-Paulo", "Farg‘ona"].map(placeSlug)).toEqual([
    "newyork",
    "newyork",
    "newyork",
    "saopaulo",
    "fargona",
  ]);
});
