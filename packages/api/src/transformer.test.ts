import fc from "fast-check";
import superjson from "superjson";
import { describe, expect, test } from "vitest";
import { transformer } from "./transformer.ts";

/** Over the wire and back, as a browser would read it. */
function sent(value: unknown): unknown {
  return superjson.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value))));
}

const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
);
const key = fc
  .oneof(fc.string({ minLength: 1, maxLength: 6 }), fc.constantFrom("a.b", "a\\b", "0", "id"))
  .filter((text) => !["__proto__", "constructor", "prototype"].includes(text));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("tree"), { maxLength: 5 }), fc.dictionary(key, tie("tree"), { maxKeys: 5 })),
}));

describe("the transformer", () => {
  test("brings to the browser what superjson would bring", () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(sent(value)).toEqual(superjson.deserialize(JSON.parse(JSON.stringify(superjson.serialize(value)))));
      }),
      { numRuns: 2_000 },
    );
  });

  test("writes superjson's own words for what the API answers", () => {
    const answer = {
      items: [{ id: "ses_1", openedAt: new Date(5), upBytes: 7n, closedAt: null, deep: { dueMicroUsd: 1n } }],
      nextCursor: null,
    };
    expect(transformer.serialize(answer)).toEqual(superjson.serialize(answer));
  });

  test("leaves maps, sets, odd numbers, odd keys and cycles of data to superjson", () => {
    const values = [
      new Map([["a", 1n]]),
      { set: new Set([1]) },
      { n: Number.NaN },
      { n: -0 },
      { "a.b": 1n },
      [new Error("x")],
      { f: [Number.POSITIVE_INFINITY] },
    ];
    for (const value of values) expect(transformer.serialize(value)).toEqual(superjson.serialize(value));
    const ring: Record<string, unknown> = {};
    ring["self"] = ring;
    expect(transformer.serialize(ring)).toEqual(superjson.serialize(ring));
  });

  test("keeps every digit of a bigint", () => {
    expect(sent({ bytes: 9_007_199_254_740_993n })).toEqual({ bytes: 9_007_199_254_740_993n });
  });
});
