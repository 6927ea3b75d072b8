import { type Ask, emptyAsk, type RoutableNode } from "@karvon/domain";
import { testNode } from "@karvon/domain/testing";
import { until } from "@karvon/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createRouter } from "../router/choose-exit.ts";
import type { ExitAnswer } from "../router/exits.ts";
import { createNodeDirectory } from "../router/node-directory.ts";
import { createStickySessions, type StickySession } from "../router/sticky-sessions.ts";
import { openTestLauncher, type TestLauncher } from "../test/test-launcher.ts";
import { type Letter, readLetter } from "./letters.ts";
import { NameDesk } from "./name-desk.ts";
import { type NameLetter, readNameLetter } from "./name-letters.ts";

interface Process {
  readonly desk: NameDesk<RoutableNode>;
  readonly hasBook: () => boolean;
  ask(ask: Partial<Ask>): Promise<ExitAnswer<RoutableNode>>;
  /** The node's id, or the code of the refusal. */
  exit(ask: Partial<Ask>): Promise<string>;
  retire(): void;
  die(): void;
}

let launcher: TestLauncher;
let nowMs: number;
const nodes: RoutableNode[] = Array.from({ length: 50 }, (_, at) => testNode({ nodeId: `nod_${at}`, publicAddress: `203.0.113.${at}` }));

beforeEach(() => {
  launcher = openTestLauncher();
  nowMs = 1_000_000;
});
afterEach(() => {
  launcher.close();
  vi.useRealTimers();
});

function isNameLetter(letter: Letter): letter is NameLetter {
  return readNameLetter({ ...letter }) !== null;
}

let requests = 0;

async function start({ isReady = true } = {}): Promise<Process> {
  const { membership, leave } = await launcher.seat();
  const clock = (): number => nowMs;
  const directory = createNodeDirectory<RoutableNode>(clock);
  for (const node of nodes) directory.put(node);
  const sticky = createStickySessions({ nowMs: clock, writer: membership.id });
  const router = createRouter({ directory, sticky, monotonicMs: clock, random: Math.random });
  let hasBook = membership.isLeader;
  let isDead = false;
  const desk = new NameDesk<RoutableNode>({
    membership,
    sticky,
    router,
    findNode: (nodeId) => directory.find(nodeId),
    onWhole: () => (hasBook = true),
  });
  membership.listen({
    onLetter(from, letter) {
      if (!isDead && isNameLetter(letter)) desk.onLetter(from, letter);
    },
    onMember(member) {
      if (!member.isServing && !member.isRetiring) desk.meet(member.id);
      desk.reconsider();
    },
    onLeft: (id) => desk.left(id),
    onRetire: () => undefined,
  });
  if (isReady) desk.begin();
  membership.declare("serving");
  const ask = async (wish: Partial<Ask>): Promise<ExitAnswer<RoutableNode>> => {
    requests += 1;
    return desk.choose({ proxyUserId: "pxu_1", requestId: `ses_${requests}`, ask: { ...emptyAsk, ...wish }, tried: new Set() });
  };
  const made: Process = {
    desk,
    hasBook: () => hasBook,
    ask,
    async exit(wish) {
      const answer = await ask(wish);
      return answer.kind === "exit" ? answer.node.nodeId : answer.code;
    },
    retire() {
      desk.flush();
      membership.declare("retiring");
      desk.reconsider();
    },
    die() {
      isDead = true;
      leave();
    },
  };
  await until(made.hasBook);
  return made;
}

const named = (id: string, more: Partial<Ask> = {}): Partial<Ask> => ({ session: { id, isHard: true }, ...more });

/** A connection of the session. */
async function connect(process: Process, ask: Partial<Ask>): Promise<{ readonly nodeId: string; readonly session: StickySession }> {
  const exit = await process.ask(ask);
  if (exit.kind === "refused" || exit.sticky === null) throw new Error("there is no exit");
  process.desk.opened(exit.sticky);
  return { nodeId: exit.node.nodeId, session: exit.sticky };
}

/** The process knows of so many connections of the session. */
async function counted(process: Process, ask: Partial<Ask>, connections: number): Promise<void> {
  await until(async () => {
    const exit = await process.ask(ask);
    return exit.kind === "exit" && exit.sticky?.connectionsOpen === connections;
  });
}

describe("named sessions of several processes", () => {
  test("keep their exits when the leader dies, also those that only its own clients had used", async () => {
    const [leader, heir, other] = [await start(), await start(), await start()];
    const own = await connect(leader, named("own"));
    const asked = await connect(other, named("asked"));
    await until(async () => (await heir.exit(named("asked"))) === asked.nodeId);
    leader.die();
    for (const process of [heir, other]) {
      expect(await process.exit(named("own"))).toBe(own.nodeId);
      expect(await process.exit(named("asked"))).toBe(asked.nodeId);
    }
  });

  test("keep their exits when the leader retires and when its successor does", async () => {
    let eldest = await start();
    const exits = new Map<string, string>();
    for (let name = 0; name < 1_200; name += 1) exits.set(`n${name}`, (await connect(eldest, named(`n${name}`))).nodeId);
    for (let turn = 0; turn < 3; turn += 1) {
      const successor = await start();
      eldest.retire();
      for (const [name, nodeId] of exits) expect(await successor.exit(named(name))).toBe(nodeId);
      expect(await eldest.exit(named("n7"))).toBe(exits.get("n7"));
      eldest.die();
      eldest = successor;
    }
  });

  test("are not over by idle time while a connection is open in any process, and are after that process died", async () => {
    const [leader, user, other] = [await start(), await start(), await start()];
    const brief = named("s", { idleMs: 1_000 });
    const open = await connect(user, brief);
    for (const process of [leader, other]) await counted(process, brief, 1);
    nowMs += 100_000;
    expect(await other.exit(brief)).toBe(open.nodeId);
    leader.die();
    await counted(other, brief, 1);
    nowMs += 100_000;
    expect(await other.exit(brief)).toBe(open.nodeId);
    user.die();
    await counted(other, brief, 0);
    expect(await other.exit(brief)).toBe(open.nodeId);
    nowMs += 1_000;
    expect(await other.exit(brief)).not.toBe(open.nodeId);
  });

  test("end by idle time when the last connection closed in a process that does not lead", async () => {
    const [leader, user] = [await start(), await start()];
    const open = await connect(user, named("s", { idleMs: 1_000 }));
    user.desk.closed(open.session, 10);
    await until(async () => {
      const answer = await leader.ask(named("s", { idleMs: 1_000 }));
      return answer.kind === "exit" && answer.sticky?.carriedBytes === 10;
    });
    nowMs += 1_000;
    expect(await leader.exit(named("s", { idleMs: 1_000 }))).not.toBe(open.nodeId);
  });

  test("share the addresses of a group, and give those of unnamed connections back", async () => {
    const processes = [await start(), await start()];
    const held: StickySession[] = [];
    for (let at = 0; at < nodes.length; at += 1) {
      const process = processes[at % 2];
      if (process !== undefined) held.push((await connect(process, { uniq: "g" })).session);
    }
    expect(new Set(held.map(({ exitAddress }) => exitAddress)).size).toBe(nodes.length);
    for (const process of processes) expect(await process.exit({ uniq: "g" })).toBe("no_exit");
    const [, follower] = processes;
    const last = held.at(-1);
    if (follower === undefined || last === undefined) throw new Error("nothing is held");
    follower.desk.closed(last, 0);
    follower.desk.drop(last);
    for (const process of processes) {
      const exit = await until(async () => {
        const answer = await process.ask({ uniq: "g" });
        return answer.kind === "exit" ? answer : null;
      });
      expect(exit.node.publicAddress).toBe(last.exitAddress);
      if (exit.sticky !== null) process.desk.drop(exit.sticky);
    }
  });
});

describe("a question to the leader", () => {
  test("is answered by the next one when the leader goes before it has answered", async () => {
    const leader = await start({ isReady: false });
    const [heir, other] = [await start(), await start()];
    const [one, two] = [other.exit(named("s")), heir.exit(named("s"))];
    leader.die();
    expect(await one).toMatch(/^nod_/);
    expect(await two).toBe(await one);
  });

  test("ends in a refusal when nobody answers: no other exit is taken", async () => {
    await start({ isReady: false });
    const other = await start();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const exit = other.exit(named("s"));
    await vi.advanceTimersByTimeAsync(5_999);
    expect(await Promise.race([exit, Promise.resolve("open")])).toBe("open");
    await vi.advanceTimersByTimeAsync(1);
    expect(await exit).toBe("overloaded");
  });

  test("waits until the leader knows all nodes", async () => {
    const leader = await start({ isReady: false });
    const other = await start();
    const exit = other.exit(named("s"));
    expect(await Promise.race([exit, new Promise((resolve) => setImmediate(resolve, "open"))])).toBe("open");
    leader.desk.begin();
    expect(await exit).toMatch(/^nod_/);
  });
});

describe("letters about names", () => {
  const name = {
    id: "1-1",
    key: "pxu_1 s",
    proxyUserId: "pxu_1",
    nodeId: "nod_1",
    exitAddress: "203.0.113.1",
    uniqKey: null,
    expiresAtMs: 2,
    idleMs: 1,
    usedAtMs: 1,
    connectionsOpen: 0,
    carriedBytes: 0,
    hasServed: true,
    isHard: true,
    isLost: false,
  };
  const question = {
    proxyUserId: "pxu_1",
    requestId: "ses_1",
    triedIds: ["nod_1"],
    ask: { ...emptyAsk, session: { id: "s", isHard: true } },
  };
  const letters: Record<string, Record<string, unknown>> = {
    ask: { kind: "ask", number: 1, question },
    exit: { kind: "answer", number: 1, answer: { kind: "exit", name, isChanged: false } },
    refusal: { kind: "answer", number: 1, answer: { kind: "refused", code: "session_lost", detail: "gone" } },
    elsewhere: { kind: "answer", number: 1, answer: { kind: "elsewhere" } },
    uses: { kind: "uses", uses: [["1-1", "closed", 5]] },
    held: { kind: "held", held: [[name, 2]] },
    names: { kind: "names", names: [name], dropped: ["1-2"], isWhole: true },
  };

  test.each(Object.entries(letters))("are read whole or not at all: %s", (_, letter) => {
    expect(readLetter(letter)).toEqual(letter);
    for (const injured of injuries(letter)) expect(readLetter(injured), JSON.stringify(injured)).toBeNull();
  });
});

/** The same value with one part replaced by what it cannot be, for each part however deep. */
function* injuries(value: unknown): Generator {
  if (typeof value !== "object" || value === null) {
    yield Symbol.iterator;
    return;
  }
  for (const [key, part] of Object.entries(value)) {
    for (const injured of injuries(part)) {
      yield Array.isArray(value) ? value.map((item, at) => (String(at) === key ? injured : item)) : { ...value, [key]: injured };
    }
  }
}
