import { until } from "@karvon/testkit";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { basic, dial, exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";
import type { TestNode } from "./test/test-node.ts";

type Answer = ReturnType<typeof readAnswer>;

let rig: Rig;
/** Several, because one may not open hundreds of sessions a second. */
let logins: Login[];
const open: TestNode[] = [];

beforeAll(async () => {
  rig = await openRig();
  logins = await Promise.all(Array.from({ length: 5 }, () => rig.makeLogin()));
});
afterAll(() => rig.close());
beforeEach(async () => {
  for (const node of open.splice(0)) node.close();
  await nodesAre(0);
});

async function nodesAre(count: number): Promise<void> {
  await until(async () => new RegExp(`^karvon_tunnels ${count}$`, "m").test(await rig.metrics()));
}

async function addNodes(count: number, options: Parameters<Rig["addNode"]>[0] = {}): Promise<TestNode[]> {
  const nodes = await Promise.all(Array.from({ length: count }, () => rig.addNode(options)));
  open.push(...nodes);
  return nodes;
}

function credentials(suffix: string, user = 0): string {
  const { username, password } = logins[user % logins.length] ?? { username: "", password: "" };
  return basic(`${username}${suffix}`, password);
}

async function get(suffix: string, user = 0): Promise<Answer> {
  const authority = `127.0.0.1:${rig.origin.port}`;
  const head = `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n`;
  return readAnswer(await exchange(rig.proxy.proxyPort, `${head}${credentials(suffix, user)}\r\n`));
}

/** A tunnel that stays open until the socket is destroyed, and the answer to CONNECT. */
async function hold(suffix: string): Promise<{ socket: Socket; answer: Answer }> {
  const socket = await dial(rig.proxy.proxyPort);
  socket.write(`CONNECT 127.0.0.1:${rig.origin.port} HTTP/1.1\r\nHost: x\r\n${credentials(suffix)}\r\n`);
  const [first] = (await once(socket, "data")) as [Buffer];
  return { socket, answer: readAnswer(first) };
}

/** `count` answers, twenty asked for at a time; the users take turns. */
async function getAll(count: number, suffixOf: (i: number) => string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < count; from += 20) {
    const batch = Array.from({ length: Math.min(20, count - from) }, (_, i) => get(suffixOf(from + i), from + i));
    answers.push(...(await Promise.all(batch)));
  }
  return answers;
}

const outcomeOf = ({ status, headers }: Answer): string => (status === 200 ? "served" : (headers["x-error-code"] ?? String(status)));

function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[outcomeOf(answer)] = (counts[outcomeOf(answer)] ?? 0) + 1;
  return counts;
}

describe("when twenty nodes die under 200 hard and 40 soft sessions", () => {
  test("every hard session is lost, for good, and every soft one moves and says so once", async () => {
    const doomed = await addNodes(20);
    const hard = (i: number): string => `-hardsession-h${i}`;
    const soft = (i: number): string => `-session-s${i}`;
    const exits = await getAll(200, hard);
    const softExits = await getAll(40, soft);
    expect([tally(exits), tally(softExits)]).toEqual([{ served: 200 }, { served: 40 }]);
    expect(new Set(exits.map(({ headers }) => headers["x-px-exit-ip"])).size).toBe(20);

    await addNodes(5);
    for (const node of doomed) node.socket.destroy();
    await nodesAre(5);
    expect(tally(await getAll(200, hard))).toEqual({ session_lost: 200 });
    const moved = await getAll(40, soft);
    expect(tally(moved)).toEqual({ served: 40 });
    expect(moved.every(({ headers }) => headers["x-px-ip-changed"] === "1")).toBe(true);
    expect((await getAll(40, soft)).some(({ headers }) => "x-px-ip-changed" in headers)).toBe(false);
    // The nodes come back, at the same addresses: what was lost stays lost.
    for (const node of doomed.slice(0, 5)) open.push(await rig.redial(node));
    await nodesAre(10);
    expect(tally(await getAll(200, hard))).toEqual({ session_lost: 200 });
    expect(outcomeOf(await get("-hardsession-another"))).toBe("served");
  });
});

describe("a uniq group", () => {
  test("gives ten connections that open at once ten addresses, refuses the eleventh, and has room when one ends", async () => {
    await addNodes(10);
    const held = await Promise.all(Array.from({ length: 10 }, (_, i) => hold(i % 2 === 0 ? "-uniq-g" : `-session-u${i}-uniq-g`)));
    const addresses = held.map(({ answer }) => answer.headers["x-px-exit-ip"]);
    expect(tally(held.map(({ answer }) => answer))).toEqual({ served: 10 });
    expect(new Set(addresses).size).toBe(10);
    expect(outcomeOf(await get("-uniq-g"))).toBe("no_exit");
    held[0]?.socket.destroy();
    const next = await until(async () => {
      const answer = await get("-uniq-g");
      return outcomeOf(answer) === "served" ? answer : null;
    });
    expect(next.headers["x-px-exit-ip"]).toBe(addresses[0]);
    for (const { socket } of held) socket.destroy();
  });
});

describe("the end of a session's time", () => {
  test("gives the next connection another exit, and leaves the open tunnel open", async () => {
    await addNodes(2);
    const { socket, answer } = await hold("-session-t-ttl-1s");
    const first = answer.headers["x-px-exit-ip"];
    await until(async () => (await get("-session-t-ttl-1s")).headers["x-px-exit-ip"] !== first);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const [bytes] = (await once(socket, "data")) as [Buffer];
    expect(readAnswer(bytes).status).toBe(200);
    socket.destroy();
  });
});

describe("a node that refuses every stream", () => {
  test("is tried three times and then left alone for a while; no client notices", async () => {
    let refused = 0;
    await addNodes(1, {
      onOpen(stream) {
        refused += 1;
        stream.reset("busy");
      },
    });
    await addNodes(1);
    const startedMs = performance.now();
    const startedAt = new Date();
    const answers: Answer[] = [];
    for (let i = 0; i < 60; i += 1) answers.push(await get(""));
    expect(tally(answers)).toEqual({ served: 60 });
    // One more failure for every time that the bench may have ended meanwhile, at the earliest after 2 s.
    expect(refused).toBeLessThanOrEqual(3 + Math.floor((performance.now() - startedMs) / 2_000));
    expect(refused).toBeGreaterThan(0);
    // Each session says how many nodes were tried before the one that served it.
    const posted = await until(async () => {
      const { rows } = await rig.fixtures.pool.query<{ sessions: bigint; failed: bigint }>(
        "SELECT count(*) AS sessions, sum(failed_attempts) AS failed FROM proxy_session WHERE opened_at >= $1",
        [startedAt],
      );
      return rows[0] !== undefined && rows[0].sessions >= 60n ? rows[0] : null;
    });
    expect(Number(posted.failed)).toBe(refused);
  });
});
