/** Somebody guesses passwords by the thousand: few are looked at, and whoever knows theirs does not notice. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { basic, exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

let rig: Rig;
let login: Login;
beforeAll(async () => {
  rig = await openRig({ timeouts: { tarpitMinMs: 1, tarpitMaxMs: 2 } });
  login = await rig.makeLogin();
  await rig.addNode();
});
afterAll(() => rig.close());

const protocols = ["http", "connect", "socks5"] as const;

function guessBytes(protocol: (typeof protocols)[number], username: string, password: string): Buffer {
  if (protocol === "socks5") {
    return Buffer.concat([
      Buffer.from([5, 1, 2, 1, username.length]),
      Buffer.from(username),
      Buffer.from([password.length]),
      Buffer.from(password),
    ]);
  }
  const line = protocol === "http" ? "GET http://shop.example/ HTTP/1.1" : "CONNECT shop.example:443 HTTP/1.1";
  return Buffer.from(`${line}\r\nHost: x\r\n${basic(username, password)}\r\n`);
}

/** One guess from one of this machine's own addresses, to its end. */
async function guessFrom(localAddress: string, bytes: Buffer): Promise<void> {
  const socket = connect({ port: rig.proxy.proxyPort, host: "127.0.0.1", localAddress });
  socket.on("error", () => undefined);
  socket.end(bytes);
  socket.resume();
  await once(socket, "close");
}

const refusals = (code: string): Promise<number> => rig.metric(`karvon_refusals_total{code="${code}"}`);

async function goodStatus(): Promise<number> {
  const head = `GET http://127.0.0.1:${rig.origin.port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${basic(login.username, login.password)}\r\n`;
  return readAnswer(await exchange(rig.proxy.proxyPort, head)).status;
}

test("of 2,000 wrong passwords from five addresses over three protocols ten a minute and address are looked at", async () => {
  expect(await goodStatus()).toBe(200);
  const sources = Array.from({ length: 5 }, (_, index) => `127.0.1.${index + 1}`);
  const startedMs = performance.now();
  const good: number[] = [];
  let count = 0;
  const attacker = async (source: string): Promise<void> => {
    for (let turn = 0; turn < 400; turn += 1) {
      const protocol = protocols[turn % protocols.length] ?? "http";
      // Half of them for a user who exists.
      await guessFrom(source, guessBytes(protocol, turn % 2 === 0 ? login.username : `nobody${turn}`, `pxkwrong${turn}`));
      count += 1;
      if (count % 100 === 0) good.push(await goodStatus());
    }
  };
  await Promise.all(sources.map(attacker));
  const minutes = (performance.now() - startedMs) / 60_000;
  const lookedAt = await refusals("auth_failed");
  expect(lookedAt).toBeLessThanOrEqual(sources.length * (10 + Math.ceil(10 * minutes)));
  expect(lookedAt).toBeGreaterThanOrEqual(sources.length * 10);
  expect(lookedAt + (await refusals("rate_limited"))).toBe(count);
  expect(good).toEqual(Array(20).fill(200));
  expect(await refusals("internal")).toBe(0);
}, 120_000);

test("a wrong password over SOCKS5 is status 1, whatever was wrong, and the gateway closes (RFC 1929, section 2)", async () => {
  const limited = await refusals("rate_limited");
  const wrong: Buffer[] = [];
  for (let turn = 0; turn < 12; turn += 1) {
    const username = turn % 2 === 0 ? login.username : "nobody";
    const head = guessBytes("socks5", username, "pxkwrong");
    // `exchange` ends nothing by itself: what ends is the gateway's side. A request that follows at once gets no reply.
    wrong.push(await exchange(rig.proxy.proxyPort, Buffer.concat([head, Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, 0, 80])])));
  }
  expect(new Set(wrong.map((answer) => answer.toString("hex")))).toEqual(new Set(["05020101"]));
  expect(await refusals("rate_limited")).toBeGreaterThan(limited);
});

test("who guesses another's password from that other's own address locks nobody out", async () => {
  expect(await goodStatus()).toBe(200);
  for (let turn = 0; turn < 45; turn += 1) {
    await guessFrom("127.0.0.1", guessBytes(protocols[turn % protocols.length] ?? "http", login.username, `pxkwrong${turn}`));
  }
  expect(await goodStatus()).toBe(200);
});
