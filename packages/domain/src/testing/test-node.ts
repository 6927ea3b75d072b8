/** A node for the tests of routing, and chance that is the same in every run. */
import type { ConnectionType } from "../ask.ts";
import { NodeQuality, type RoutableNode } from "../routing/index.ts";

export type TestNode = { -readonly [Fact in keyof RoutableNode]: RoutableNode[Fact] };
export type TestFacts = Partial<TestNode> & { readonly connectionType?: ConnectionType };

let made = 0;

export function testNode(facts: TestFacts = {}): TestNode {
  made += 1;
  return {
    nodeId: `nod_${made}`,
    publicAddress: `203.0.113.${made}`,
    country: "UZ",
    region: "Tashkent",
    city: "Tashkent",
    asn: 8193,
    asnName: "Uzbektelekom",
    connectionType: "wifi",
    isServing: true,
    hasRoom: true,
    openStreams: 0,
    streamsMax: 256,
    batteryPercent: null,
    isCharging: null,
    scoreMicros: null,
    quality: new NodeQuality(0),
    ...facts,
  };
}

/** Mulberry32: numbers in [0, 1), good enough for a chi-square test. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
