import { describe, expect, test } from "vitest";
import { anywhere, explainEmptyRoute, nodeSatisfies, placeSlug, type RouteWish, widenWish, wishKey } from "./index.ts";
import { type TestFacts, testNode } from "../testing/index.ts";

describe("a wish", () => {
  const wish = (facts: Partial<RouteWish>): RouteWish => ({ ...anywhere, ...facts });

  test.each<[Partial<RouteWish>, TestFacts, boolean]>([
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
    expect(nodeSatisfies(testNode(facts), wish(asked))).toBe(expected);
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
    const nodes = [testNode(), testNode({ city: "Samarkand" }), testNode({ country: "KZ" })];
    const explain = (among: typeof nodes, asked: RouteWish): string =>
      explainEmptyRoute(asked, (part) => among.filter((node) => nodeSatisfies(node, part)).length);
    expect(explain(nodes, wish({ countries: ["UZ"], city: "tashkent", type: "mobile" }))).toBe(
      "3 nodes online; country UZ left 2, city tashkent left 1, type mobile left 0",
    );
    expect(explain([], anywhere)).toBe("0 nodes online");
    expect(explain([testNode()], anywhere)).toBe("1 node online; of these 1 none is free or untried");
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
