import { until } from "@karvon/testkit";
import type { TunnelStream } from "@karvon/tunnel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Family, openFamily } from "../test/family.ts";
import { basic, Conversation, type Dial, dial, dialTls, exchange, readAnswer } from "../test/raw-client.ts";
import type { Login, Rig } from "../test/rig.ts";
import type { TestNode } from "../test/test-node.ts";

let family: Family;
let first: Rig;
let second: Rig;
let login: Login;
const addressOf = new Map<TestNode, string>();
let lastAddress = 0;

async function addNode(rig: Rig, country: string, onOpen?: (stream: TunnelStream) => void): Promise<TestNode> {
  lastAddress += 1;
  const address = `198.51.100.${lastAddress}`;
  const node = await rig.addNode({ address, place: { country: country.toUpperCase() }, ...(onOpen === undefined ? {} : { onOpen }) });
  addressOf.set(node, address);
  return node;
}

/** What a request through this gateway answers. */
async function ask(rig: Rig, parameters: string, by: Dial = dial): Promise<ReturnType<typeof readAnswer>> {
  const authorization = basic(`${login.username}${parameters}`, login.password);
  return readAnswer(
    await exchange(rig.proxy.proxyPort, `GET http://127.0.0.1:${rig.origin.port}/ HTTP/1.0\r\n${authorization}\r\n`, { dial: by }),
  );
}

const exitOf = async (rig: Rig, parameters: string): Promise<string | undefined> => (await ask(rig, parameters)).headers["x-px-exit-ip"];
const codeOf = async (rig: Rig, parameters: string): Promise<string | undefined> => (await ask(rig, parameters)).headers["x-error-code"];

/** docs/protocol.md, section 3. */
const ownerStopMs = 3_000;
let lastName = 0;

/** Every gateway knows so many nodes in the country. Only named sessions are spread over the nodes of all processes. */
async function known(country: string, nodes: number): Promise<void> {
  for (const rig of [first, second]) {
    const seen = new Set<string>();
    const see = async (): Promise<boolean> => {
      lastName += 1;
      const exit = await exitOf(rig, `-country-${country}-session-known${lastName}`);
      if (exit !== undefined) seen.add(exit);
      return seen.size >= nodes;
    };
    await until(see, { what: `${nodes} exits in ${country}` });
  }
}

beforeAll(async () => {
  family = await openFamily();
  first = await family.add();
  second = await family.add();
  login = await first.makeLogin();
});
afterAll(() => family.close());

describe("two gateway processes", () => {
  test("carry a TLS client and the bytes that come with its CONNECT to a node of the other", async () => {
    const node = await addNode(second, "de");
    await until(async () => (await exitOf(first, "-country-de")) === addressOf.get(node));
    expect(await ask(first, "-country-de", dialTls)).toMatchObject({ status: 200 });
    const authority = `127.0.0.1:${first.origin.port}`;
    const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basic(`${login.username}-country-de`, login.password)}\r\n`;
    const body = Buffer.alloc(300_000, "early ");
    const request = `POST /early HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answer = (await exchange(first.proxy.proxyPort, Buffer.concat([Buffer.from(head + request), body]))).toString("latin1");
    expect(answer).toMatch(/^HTTP\/1\.1 200 Connection Established\r\n/);
    expect(answer).toContain(`"bodyBytes":${body.length}`);
  });

  test("give a session name one exit, wherever its clients land", async () => {
    for (const rig of [first, second, first, second]) await addNode(rig, "fr");
    await known("fr", 4);
    for (let name = 0; name < 10; name += 1) {
      const parameters = `-country-fr-session-s${name}`;
      const [one, other] = name % 2 === 0 ? [first, second] : [second, first];
      const exit = await exitOf(one, parameters);
      expect(exit).toMatch(/^198\.51\.100\./);
      expect([await exitOf(other, parameters), await exitOf(one, parameters), await exitOf(other, parameters)]).toEqual([exit, exit, exit]);
    }
  });

  test("give simultaneous clients of one new name one exit", async () => {
    const exits = await Promise.all(
      Array.from({ length: 20 }, (_, at) => exitOf(at % 2 === 0 ? first : second, "-country-fr-session-rush")),
    );
    expect(exits[0]).toMatch(/^198\.51\.100\./);
    expect(new Set(exits).size).toBe(1);
  });

  test("keep the exits of a uniq group apart, wherever its clients land", async () => {
    const exits: (string | undefined)[] = [];
    for (let name = 0; name < 4; name += 1)
      exits.push(await exitOf(name % 2 === 0 ? first : second, `-country-fr-uniq-g-session-u${name}`));
    expect(exits).not.toContain(undefined);
    expect(new Set(exits).size).toBe(4);
    expect(await codeOf(first, "-country-fr-uniq-g-session-u5")).toBe("no_exit");
    expect(await codeOf(second, "-country-fr-uniq-g-session-u6")).toBe("no_exit");
  });

  test("end a hard session when its node dies, in both, for ever", async () => {
    const node = await addNode(first, "it");
    await known("it", 1);
    expect(await exitOf(first, "-country-it-hardsession-h")).toBe(addressOf.get(node));
    node.close();
    const other = await addNode(second, "it");
    await until(async () => (await exitOf(second, "-country-it")) === addressOf.get(other));
    await until(async () => (await exitOf(first, "-country-it")) === addressOf.get(other));
    for (const rig of [second, first, second]) expect(await codeOf(rig, "-country-it-hardsession-h")).toBe("session_lost");
    const back = await first.redial(node);
    addressOf.set(back, addressOf.get(node) ?? "");
    await known("it", 2);
    for (const rig of [second, first]) expect(await codeOf(rig, "-country-it-hardsession-h")).toBe("session_lost");
  });

  test("tell how much a session has carried, whoever carried it", async () => {
    const name = "-country-fr-session-bytes";
    const echo = async (rig: Rig): Promise<{ ip: string; session: { bytes: number } }> => {
      const authorization = basic(`${login.username}${name}`, login.password);
      return JSON.parse(readAnswer(await exchange(rig.proxy.proxyPort, `GET http://echo.karvon/ HTTP/1.0\r\n${authorization}\r\n`)).body);
    };
    const { ip } = await echo(second);
    expect(await exitOf(first, name)).toBe(ip);
    expect(await exitOf(second, name)).toBe(ip);
    const once = await until(async () => (await echo(first)).session.bytes || null);
    await until(async () => (await echo(second)).session.bytes === (await echo(first)).session.bytes);
    expect(await exitOf(second, name)).toBe(ip);
    await until(async () => (await echo(first)).session.bytes > once);
  });
});

describe("limits of two gateway processes", () => {
  test("hold for both together: sessions of a proxy user", async () => {
    const node = await addNode(first, "at");
    await known("at", 1);
    const mine = await first.makeLogin();
    await first.fixtures.pool.query("UPDATE proxy_user SET concurrency_max = 3 WHERE id = $1", [mine.proxyUserId]);
    const authority = `127.0.0.1:${first.origin.port}`;
    const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basic(`${mine.username}-country-at-session-one`, mine.password)}\r\n`;
    const open: Conversation[] = [];
    const connect = async (rig: Rig): Promise<ReturnType<typeof readAnswer>> => {
      const conversation = await Conversation.open(rig.proxy.proxyPort);
      conversation.send(head);
      await until(() => conversation.rest.includes("\r\n\r\n"));
      const answer = readAnswer(Buffer.from(conversation.rest, "latin1"));
      if (answer.status === 200) open.push(conversation);
      else conversation.socket.destroy();
      return answer;
    };
    const room = async (rig: Rig): Promise<boolean> => (await connect(rig)).status === 200;
    for (const rig of [first, second, second]) await until(() => room(rig));
    for (const rig of [first, second]) await until(async () => !(await room(rig)) || null);
    expect(open.length).toBeLessThanOrEqual(5);
    for (const rig of [first, second]) expect((await connect(rig)).headers["x-error-code"]).toBe("concurrency_limit");
    for (const conversation of open.splice(0)) conversation.socket.destroy();
    for (const rig of [second, first]) await until(() => room(rig));
    for (const conversation of open) conversation.socket.destroy();
    node.close();
  });

  test("hold for both together: wrong passwords of one source", async () => {
    const statusOf = async (rig: Rig, username: string, password: string): Promise<number> => {
      const head = `GET http://127.0.0.1:${rig.origin.port}/ HTTP/1.0\r\n${basic(username, password)}\r\n`;
      return readAnswer(await exchange(rig.proxy.proxyPort, head)).status;
    };
    for (let guesses = 0; guesses < 10; guesses += 1) expect(await statusOf(first, "nobody", "wrong-password")).toBe(407);
    // Right passwords of users that were never seen from here: where nobody has guessed, they are let in.
    await until(async () => {
      const stranger = await first.makeLogin();
      return (await statusOf(second, `${stranger.username}-country-fr`, stranger.password)) === 429;
    });
  });
});

describe("a node whose tunnel ends in another process", () => {
  test.each<[string, string, string, (node: TestNode) => void]>([
    ["withdraws consent", "nl", "node_lost", (node) => node.tunnel.sendControl("withdraw", {})],
    ["ends its program", "pt", "node_lost", (node) => node.close()],
  ])("and whose owner %s ends its sessions and is not chosen any more, in both", async (_what, country, reason, stop) => {
    const node = await addNode(second, country);
    await known(country, 1);
    const authority = `127.0.0.1:${first.origin.port}`;
    const auth = basic(`${login.username}-country-${country}`, login.password);
    const open: { readonly conversation: Conversation; readonly requestId: string | undefined }[] = [];
    for (const rig of [first, second]) {
      const conversation = await Conversation.open(rig.proxy.proxyPort);
      const { status, headers } = await conversation.ask(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${auth}\r\n`);
      expect(status).toBe(200);
      open.push({ conversation, requestId: headers["x-px-request-id"] });
    }
    stop(node);
    await until(() => open.every(({ conversation }) => conversation.hasEnded || conversation.socket.closed), { timeoutMs: ownerStopMs });
    for (const rig of [first, second]) {
      await until(async () => (await codeOf(rig, `-country-${country}`)) === "no_exit", { timeoutMs: ownerStopMs });
    }
    const closed = await until(async () => {
      const { rows } = await first.fixtures.pool.query(
        "SELECT close_reason FROM proxy_session WHERE id = ANY($1) AND closed_at IS NOT NULL",
        [open.map(({ requestId }) => requestId)],
      );
      return rows.length === open.length ? rows : null;
    });
    expect(closed.map((row) => row.close_reason)).toEqual([reason, reason]);
  });

  test("is shut out everywhere when it breaks a rule towards a client of this one", async () => {
    const liar = await addNode(second, "se", (stream) => stream.opened({ address: "10.0.0.1", family: 4, connectMs: 1 }));
    await known("fr", 1);
    await until(async () => (await codeOf(first, "-country-se")) === "private_address");
    await liar.closed;
    for (const rig of [first, second]) {
      const again = await second.redial(liar, { tunnelPort: rig.proxy.tunnelPort });
      expect(again.verdict).toMatchObject({ type: "refused", payload: { code: "node_suspended" } });
    }
  });

  test("cannot be told a name of more than 224 characters, and the refusal says so", async () => {
    await addNode(second, "no");
    await until(async () => (await ask(first, "-country-no")).headers["x-px-country"] === "NO");
    const authority = `${`${"a".repeat(60)}.`.repeat(4)}com:80`;
    const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basic(`${login.username}-country-no`, login.password)}\r\n`;
    const answer = readAnswer(await exchange(first.proxy.proxyPort, head));
    expect(answer.headers["x-error-code"]).toBe("node_connect_failed");
    expect(answer.body).toContain("too long for a node of another gateway process");
  });

  test("is not a way to that process's ops port", async () => {
    await until(async () => {
      const target = `127.0.0.1:${second.proxy.opsPort}`;
      const head = `GET http://${target}/ HTTP/1.0\r\n${basic(`${login.username}-country-fr`, login.password)}\r\n`;
      return readAnswer(await exchange(first.proxy.proxyPort, head)).headers["x-error-code"] === "private_address";
    });
  });
});

describe("a gateway process that is replaced", () => {
  test("leaves every session name on its exit, while it goes and afterwards", async () => {
    const own = await openFamily();
    try {
      const before = await own.add();
      login = await before.makeLogin();
      const nodes = [await addNode(before, "pl"), await addNode(before, "pl"), await addNode(before, "pl")];
      const names = Array.from({ length: 12 }, (_, at) => `-country-pl-${at % 2 === 0 ? "hardsession" : "session"}-n${at}`);
      const exits = await Promise.all(names.map((name) => exitOf(before, name)));
      expect(new Set(exits).size).toBeGreaterThan(1);
      const after = await own.add();
      const told = async (): Promise<unknown> => Promise.all(names.map((name) => exitOf(after, name)));
      expect(await told()).toEqual(exits);
      const retiring = own.retire(before);
      expect(await told()).toEqual(exits);
      for (const node of nodes) {
        await before.redial(node, { tunnelPort: after.proxy.tunnelPort });
        expect(await told()).toEqual(exits);
      }
      await retiring;
      expect(await told()).toEqual(exits);
    } finally {
      await own.close();
    }
  });
});
