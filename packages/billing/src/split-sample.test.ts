import { expect, test } from "vitest";
import { splitSample } from "./index.ts";
import type { SessionFacts } from "./usage.ts";

function facts(id: string): SessionFacts {
  const none = {
    clientAddress: null,
    hasPassword: true,
    exitAddress: null,
    exitCountry: null,
    exitCity: null,
    exitAsn: null,
    connectionType: null,
  };
  const more = {
    ...none,
    stickySession: null,
    tag: null,
    connectMs: null,
    failedAttempts: 0,
    protocol: "http" as const,
    targetHost: "example.com",
    targetPort: 80,
  };
  return { ...more, id, openedAtMs: 0, clientId: "c", proxyUserId: "p", operatorId: "o", nodeId: "n", priceId: "r" };
}

const counterOf = (id: string) => ({ id, openedAtMs: 0, upBytes: 1, downBytes: 1 });

test("leaves a small snapshot whole and makes nothing of an empty one", () => {
  const sample = { opened: [facts("a")], counters: [counterOf("a")] };
  expect(splitSample(sample, 2)).toEqual([sample]);
  expect(splitSample({ opened: [], counters: [] }, 2)).toEqual([]);
});

test("keeps every part within the limit, every counter once, and no counter before its facts", () => {
  const ids = Array.from({ length: 25 }, (_, index) => `s${index}`);
  const bare = Array.from({ length: 7 }, (_, index) => `b${index}`);
  const parts = splitSample({ opened: [...ids, ...bare].toReversed().map(facts), counters: ids.map(counterOf) }, 10);
  expect(parts.flatMap(({ counters }) => counters.map(({ id }) => id))).toEqual(ids);
  const known = new Set<string>();
  for (const part of parts) {
    expect(part.counters.length).toBeLessThanOrEqual(10);
    expect(part.opened.length).toBeLessThanOrEqual(10);
    for (const { id } of part.opened) known.add(id);
    for (const { id } of part.counters) expect(known.has(id)).toBe(true);
  }
  expect([...known].toSorted()).toEqual([...ids, ...bare].toSorted());
});
