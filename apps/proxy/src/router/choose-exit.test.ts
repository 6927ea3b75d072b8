import { type Ask, emptyAsk, NodeQuality } from "@karvon/domain";
import { type TestNode as PlainNode, testNode } from "@karvon/domain/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { createRouter, type Exit, type Router } from "./choose-exit.ts";
import { createNodeDirectory, type NodeDirectory } from "./node-directory.ts";
import { createStickySessions, type StickySessions } from "./sticky-sessions.ts";

let nowMs: number;
let made: number;
let directory: NodeDirectory<PlainNode>;
let sticky: StickySessions;
let router: Router<PlainNode>;

beforeEach(() => {
  nowMs = 1_000_000;
  made = 0;
  const clock = (): number => nowMs;
  directory = createNodeDirectory(clock);
  sticky = createStickySessions({ nowMs: clock });
  router = createRouter({ directory, sticky, monotonicMs: clock, random: Math.random });
});

function addNode(facts: Partial<PlainNode> = {}): PlainNode {
  made += 1;
  const node = testNode({ nodeId: `nod_${made}`, publicAddress: `203.0.113.${made}`, quality: new NodeQuality(nowMs), ...facts });
  directory.put(node);
  return node;
}

let requests = 0;

function choose(ask: Partial<Ask> = {}, tried: readonly PlainNode[] = []): ReturnType<Router<PlainNode>["choose"]> {
  requests += 1;
  return router.choose({ proxyUserId: "pxu_1", requestId: `ses_${requests}`, ask: { ...emptyAsk, ...ask }, tried: new Set(tried) });
}

/** The choice, and a connection that opened over it. */
function serve(ask: Partial<Ask> = {}): Exit<PlainNode> {
  const exit = choose(ask);
  if (exit.kind === "refused") throw new Error(exit.detail);
  router.connected(exit, 50);
  if (exit.sticky !== null) sticky.opened(exit.sticky);
  return exit;
}

function end({ sticky: entry }: Exit<PlainNode>): void {
  if (entry !== null) sticky.closed(entry, 0);
}

const soft = { session: { id: "s", isHard: false } };
const hard = { session: { id: "h", isHard: true } };
const refusedWith = (code: string, detail?: string) =>
  expect.objectContaining({ kind: "refused", code, ...(detail === undefined ? {} : { detail }) });

describe("a choice", () => {
  test("says why nobody is left, and finds a node as soon as it comes", () => {
    addNode({ country: "KZ" });
    expect(choose({ countries: ["UZ"] })).toEqual(refusedWith("no_exit", "1 node online; country UZ left 0"));
    const node = addNode();
    expect(choose({ countries: ["UZ"] })).toMatchObject({ node });
  });

  test("widens step by step, and only when asked", () => {
    const far = addNode({ city: "Nukus", region: "Karakalpakstan" });
    const ask = { countries: ["UZ"], state: "tashkent", city: "tashkent" };
    expect(choose(ask)).toEqual(refusedWith("no_exit"));
    expect(choose({ ...ask, widening: "state" })).toEqual(refusedWith("no_exit"));
    expect(choose({ ...ask, widening: "country" })).toMatchObject({ node: far });
  });

  test("passes over a node that failed three times in a row, takes it when it is alone, and again later", () => {
    const bad = addNode();
    const good = addNode();
    for (let i = 0; i < 3; i += 1) router.failed(bad, "node");
    for (let i = 0; i < 50; i += 1) expect(choose()).toMatchObject({ node: good });
    expect(choose({}, [good])).toMatchObject({ node: bad });
    expect(directory.index.parked).toContain(bad);
    nowMs += 2_000;
    directory.sweep();
    expect(directory.index.parked).not.toContain(bad);
  });

  test("comes back to a full node when a session of it ends", () => {
    const node = addNode({ hasRoom: false });
    expect(choose()).toEqual(refusedWith("no_exit", "1 node online; of these 1 none is free or untried"));
    expect(directory.index.parked).toContain(node);
    node.hasRoom = true;
    router.ended(node, { isLost: false, bytes: 10, busyMs: 10 });
    expect(directory.index.parked).not.toContain(node);
    expect(choose()).toMatchObject({ node });
  });
});

describe("a soft session", () => {
  test("stays, moves when its node stops serving, and says so once", () => {
    const first = serve(soft);
    end(first);
    addNode();
    expect(choose(soft)).toMatchObject({ node: first.node, isChanged: false });
    first.node.isServing = false;
    directory.changed(first.node);
    expect(serve(soft)).toMatchObject({ isChanged: true });
    expect(serve(soft)).toMatchObject({ isChanged: false });
  });

  test("says that its exit changed when its node comes back with another address", () => {
    const first = serve(soft);
    end(first);
    directory.remove(first.node);
    addNode({ nodeId: first.node.nodeId, publicAddress: "198.51.100.1" });
    const next = serve(soft);
    expect(next.isChanged).toBe(true);
    expect(next.node.publicAddress).not.toBe(first.node.publicAddress);
  });

  test("whose connections raced to two exits keeps one of them", () => {
    const first = choose(soft);
    if (first.kind === "refused") throw new Error(first.detail);
    const second = choose(soft, [first.node]);
    if (second.kind === "refused") throw new Error(second.detail);
    expect(second.node).not.toBe(first.node);
    expect(router.connected(second, 50)).toBe(true);
    expect(router.connected(first, 50)).toBe(false);
  });

  test("gets a new exit after its time, while what is open stays open", () => {
    const first = serve({ ...soft, ttlMs: 60_000 });
    nowMs += 60_000;
    const next = serve({ ...soft, ttlMs: 60_000 });
    expect(next.node).not.toBe(first.node);
    expect(first.sticky?.connectionsOpen).toBe(1);
  });

  test("is forgotten after its idle time, not while a connection is open", () => {
    const first = serve({ ...soft, idleMs: 1_000 });
    nowMs += 5_000;
    expect(choose(soft)).toMatchObject({ node: first.node });
    end(first);
    nowMs += 1_000;
    const next = choose(soft);
    expect(next).toMatchObject({ kind: "exit" });
    expect(next).not.toMatchObject({ node: first.node });
  });

  beforeEach(() => {
    addNode();
    addNode();
  });
});

describe("a hard session", () => {
  let first: Exit<PlainNode>;

  beforeEach(() => {
    addNode();
    first = serve(hard);
    addNode();
  });

  test("is lost when its node is gone, and stays lost when the node comes back", () => {
    directory.remove(first.node);
    expect(choose(hard)).toEqual(refusedWith("session_lost"));
    directory.put(first.node);
    expect(choose(hard)).toEqual(refusedWith("session_lost"));
  });

  test("is lost when its node comes back with another address", () => {
    directory.remove(first.node);
    addNode({ nodeId: first.node.nodeId, publicAddress: "198.51.100.1" });
    expect(choose(hard)).toEqual(refusedWith("session_lost"));
  });

  test("waits for its node while that is full, and takes nobody else", () => {
    first.node.hasRoom = false;
    expect(choose(hard)).toEqual(refusedWith("no_exit"));
    first.node.hasRoom = true;
    expect(choose(hard)).toMatchObject({ node: first.node });
  });

  test("is not lost by one failed attempt", () => {
    expect(choose(hard, [first.node])).toEqual(refusedWith("no_exit"));
    expect(choose(hard)).toMatchObject({ node: first.node });
  });

  test("is never forgotten for a new name: a user with too many gets no more", () => {
    for (let i = 1; i < 20_000; i += 1) choose({ session: { id: `h${i}`, isHard: true } });
    expect(choose({ session: { id: "more", isHard: false } })).toEqual(refusedWith("concurrency_limit"));
    expect(choose(hard)).toMatchObject({ node: first.node, isChanged: false });
  });

  test("does not serve another country under the same name", () => {
    expect(choose({ ...hard, countries: ["KZ"] })).toEqual(refusedWith("no_exit", "the node of session h is not what is asked for now"));
  });
});

describe("a uniq group", () => {
  const named = (id: string): Partial<Ask> => ({ session: { id, isHard: false }, uniq: "g" });
  const addressOf = (exit: ReturnType<typeof choose>): string => (exit.kind === "exit" ? exit.node.publicAddress : exit.code);

  test("never shares an exit address, whether its connections have opened or not", () => {
    for (let i = 0; i < 20; i += 1) addNode({ publicAddress: `198.51.100.${i % 10}` });
    const addresses = Array.from({ length: 10 }, (_, i) => addressOf(choose(i % 2 === 0 ? named(`s${i}`) : { uniq: "g" })));
    expect(new Set(addresses).size).toBe(10);
    expect(addresses).not.toContain("no_exit");
    expect(choose(named("one too many"))).toEqual(refusedWith("no_exit"));
    expect(choose({ ...named("other"), uniq: "other" })).toMatchObject({ kind: "exit" });
  });

  test("keeps the address of a session that is over until its last connection ends", () => {
    addNode();
    const first = serve({ ...named("a"), ttlMs: 1_000 });
    nowMs += 1_000;
    sticky.sweep();
    expect(addressOf(choose(named("b")))).toBe("no_exit");
    end(first);
    nowMs += 1_000;
    expect(addressOf(choose(named("b")))).toBe(first.node.publicAddress);
  });

  test("takes in a session that joins it later, on another exit when its own is held", () => {
    const node = addNode();
    serve(soft);
    serve(named("a"));
    addNode();
    const joined = serve({ ...soft, uniq: "g" });
    expect(joined.node).not.toBe(node);
    expect(joined.isChanged).toBe(true);
  });

  test("frees the address of a connection without a name that never opened", () => {
    addNode();
    const exit = choose({ uniq: "g" });
    if (exit.kind === "refused") throw new Error(exit.detail);
    expect(addressOf(choose({ uniq: "g" }))).toBe("no_exit");
    router.abandoned(exit, emptyAsk);
    nowMs += 1_000;
    expect(addressOf(choose({ uniq: "g" }))).toBe(exit.node.publicAddress);
  });
});
