import { beforeEach, describe, expect, test } from "vitest";
import { createStickySessions, type NewSession, type StickySession, type StickySessions } from "./sticky-sessions.ts";

let nowMs: number;
let sticky: StickySessions;

beforeEach(() => {
  nowMs = 1_000_000;
  sticky = createStickySessions({ nowMs: () => nowMs });
});

function begin(proxyUserId: string, name: string, facts: Partial<NewSession> = {}): StickySession | null {
  const place = { nodeId: "nod_1", exitAddress: "203.0.113.1", uniqKey: null };
  return sticky.begin({ key: `${proxyUserId} ${name}`, proxyUserId, ...place, ttlMs: 600_000, idleMs: 120_000, isHard: false, ...facts });
}

function fill(proxyUserId: string, count: number, facts: Partial<NewSession> = {}): void {
  const taken = Array.from({ length: count }, (_, made) => begin(proxyUserId, `${made}`, facts));
  expect(taken).not.toContain(null);
}

describe("a proxy user with as many names as it may have", () => {
  test("loses its own name that is idle longest, and nobody else loses one", () => {
    begin("pxu_2", "hard", { isHard: true });
    begin("pxu_2", "soft");
    fill("pxu_1", 20_000);
    const used = sticky.find("pxu_1 0");
    if (used === null) throw new Error("the first name is gone too early");
    sticky.opened(used);
    sticky.closed(used, 0);
    expect(begin("pxu_1", "one more")).not.toBeNull();
    expect(sticky.size).toBe(20_002);
    expect(sticky.find("pxu_1 1")).toBeNull();
    for (const key of ["pxu_1 0", "pxu_1 one more", "pxu_2 hard", "pxu_2 soft"]) expect(sticky.find(key)?.key).toBe(key);
  });

  test("keeps its hard sessions and those with a connection: with nothing else to forget no name is added", () => {
    fill("pxu_1", 19_998, { isHard: true });
    const [open, hardened] = [begin("pxu_1", "open"), begin("pxu_1", "hardened")];
    if (open === null || hardened === null) throw new Error("there is no room");
    sticky.opened(open);
    sticky.harden(hardened);
    expect(begin("pxu_1", "one more")).toBeNull();
    expect(sticky.size).toBe(20_000);
    expect(begin("pxu_2", "another user's")).not.toBeNull();
    sticky.closed(open, 0);
    expect(begin("pxu_1", "one more")).not.toBeNull();
    expect(sticky.find("pxu_1 open")).toBeNull();
    expect(sticky.find("pxu_1 hardened")?.isHard).toBe(true);
  });
});

test("with all places taken, whoever holds the most names makes room, the hard ones last", () => {
  begin("pxu_0", "hard", { isHard: true });
  for (let user = 1; user <= 10; user += 1)
    fill(`pxu_${user}`, user === 10 ? 19_999 : user === 9 ? 19_999 : 20_000, { isHard: user !== 3 });
  begin("pxu_0", "second");
  expect(sticky.size).toBe(200_000);
  begin("pxu_0", "third");
  expect(sticky.size).toBe(200_000);
  expect(["hard", "second", "third"].map((name) => sticky.find(`pxu_0 ${name}`)?.key)).toEqual([
    "pxu_0 hard",
    "pxu_0 second",
    "pxu_0 third",
  ]);
});

test("names that are over are forgotten, however many living ones stand before them", () => {
  fill("pxu_1", 15_000, { isHard: true });
  fill("pxu_2", 15_000, { ttlMs: 1_000 });
  nowMs += 2_000;
  for (let turn = 0; turn < 2; turn += 1) sticky.sweep();
  expect(sticky.size).toBe(15_000);
});
