import { afterAll, beforeAll, expect, test } from "vitest";
import { basic, dial } from "./test/raw-client.ts";
import { openRig, type Rig } from "./test/rig.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 20_261);
const rounds = Number(process.env["FUZZ_ROUNDS"] ?? 400);
const answeredWithinMs = 15_000;

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
  await rig.addNode();
});
afterAll(() => rig.close());

function makeRandom(start: number): (below: number) => number {
  let state = start % 2_147_483_647 || 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** One to four small injuries: a byte changed, a part dropped, repeated or replaced by an extreme. */
function injure(bytes: Buffer, random: (below: number) => number): Buffer {
  let result = Buffer.from(bytes);
  for (let i = 0; i <= random(4); i += 1) {
    const at = random(result.length + 1);
    const end = Math.min(result.length, at + random(12));
    const extremes = [
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.alloc(4),
      Buffer.from("\r\n"),
      Buffer.from("\n"),
      Buffer.from("9".repeat(30)),
      Buffer.alloc(random(3_000), 65),
    ];
    const part =
      [Buffer.from([random(256)]), Buffer.alloc(0), result.subarray(at, end), extremes[random(extremes.length)] ?? Buffer.alloc(0)][
        random(4)
      ] ?? Buffer.alloc(0);
    result = Buffer.concat([result.subarray(0, at), part, result.subarray(end)]);
  }
  return result;
}

/** Sends the bytes in random pieces and ends; true when the other side answered or closed in time. */
async function attack(port: number, bytes: Buffer, random: (below: number) => number): Promise<boolean> {
  const socket = await dial(port);
  socket.resume();
  const over = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), answeredWithinMs);
    const settle = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    socket.once("data", settle);
    socket.once("end", settle);
    socket.once("close", settle);
  });
  for (let at = 0; at < bytes.length;) {
    const size = random(4) === 0 ? 1 : 1 + random(400);
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (random(2) === 0) socket.end();
  const isInTime = await over;
  socket.destroy();
  return isInTime;
}

test(`injured requests on every port are answered or closed, and nothing else happens (seed ${seed})`, async () => {
  const random = makeRandom(seed);
  const login = await rig.makeLogin();
  const target = `127.0.0.1:${rig.origin.port}`;
  const auth = basic(login.username, login.password);
  const socks = Buffer.concat([
    Buffer.from([5, 2, 0, 2, 1, login.username.length]),
    Buffer.from(login.username),
    Buffer.from([login.password.length]),
    Buffer.from(login.password),
    Buffer.from([5, 1, 0, 3, 9]),
    Buffer.from("127.0.0.1"),
    Buffer.from([rig.origin.port >> 8, rig.origin.port & 255]),
    Buffer.from("GET / HTTP/1.0\r\n\r\n"),
  ]);
  const corpus = [
    Buffer.from(`GET http://${target}/a HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n${auth}\r\n`),
    Buffer.from(
      `POST http://${target}/echo HTTP/1.1\r\nHost: ${target}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n${auth}\r\n5\r\nhello\r\n0\r\n\r\n`,
    ),
    Buffer.from(`POST http://${target}/echo HTTP/1.1\r\nHost: ${target}\r\nContent-Length: 5\r\nConnection: close\r\n${auth}\r\nhello`),
    Buffer.from(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${auth}\r\nGET / HTTP/1.0\r\n\r\n`),
    Buffer.from(
      `PROXY TCP4 192.0.2.1 127.0.0.1 5000 7000\r\nCONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${auth}\r\nGET / HTTP/1.0\r\n\r\n`,
    ),
    socks,
  ];
  const late: string[] = [];
  const worker = async (share: number): Promise<void> => {
    for (let i = 0; i < share; i += 1) {
      const bytes = injure(corpus[random(corpus.length)] ?? socks, random);
      const port = random(10) === 0 ? rig.proxy.tunnelPort : rig.proxy.proxyPort;
      if (!(await attack(port, bytes, random))) late.push(bytes.toString("latin1").slice(0, 300));
    }
  };
  const workers = 40;
  await Promise.all(Array.from({ length: workers }, () => worker(Math.ceil(rounds / workers))));
  expect(late).toEqual([]);
  expect(await rig.metrics()).toMatch(/^karvon_faults_total 0$/m);
  expect(rig.logLines.filter((line) => line["level"] === "error")).toEqual([]);
}, 300_000);
