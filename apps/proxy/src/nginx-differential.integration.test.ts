/** The same bytes for nginx and for the gateway, with one origin behind both: what nginx refuses is not passed on. */
import { until } from "@karvon/testkit";
import { injure, type Injuries, makeRandom, requestHeads } from "@karvon/wire/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { carriedRequests, fillIn, refusedRequests } from "./test/hostile-requests.ts";
import { basic, dial } from "./test/raw-client.ts";
import { openRig, type Rig } from "./test/rig.ts";
import { type Nginx, startNginx } from "./test/start-nginx.ts";

let rig: Rig;
let nginx: Nginx;
let auth = "";

beforeAll(async () => {
  rig = await openRig();
  const login = await rig.makeLogin();
  auth = basic(login.username, login.password);
  await rig.addNode();
  nginx = await startNginx(rig.origin.port);
});
afterAll(async () => {
  await nginx.close();
  await rig.close();
});

interface Reading {
  /** Of the first answer; 0 when the connection ended without one. */
  readonly status: number;
  /** What reached the origin: method, path, bytes of body. */
  readonly seen: readonly string[];
}

async function readingOf(port: number, raw: string): Promise<Reading> {
  const before = rig.origin.requests.length;
  const socket = await dial(port);
  let text = "";
  let isOver = false;
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  for (const name of ["end", "close"]) socket.on(name, () => (isOver = true));
  socket.end(raw, "latin1");
  await until(() => isOver, { what: `an end of ${JSON.stringify(raw.slice(0, 80))}` });
  socket.destroy();
  const seen = rig.origin.requests.slice(before).map(({ method, url, bodyBytes }) => `${method} ${url} ${bodyBytes}`);
  return { status: Number(/^HTTP\/1\.[01] (\d{3}) /.exec(text)?.[1] ?? 0), seen };
}

interface Differences {
  /** Refused by nginx, carried here. There is no exception. */
  readonly laxer: string[];
  /** Carried by both, as other requests. */
  readonly otherwise: string[];
  refusedByNginx: number;
  carriedByBoth: number;
}

async function compare(requests: readonly string[]): Promise<Differences> {
  const found: Differences = { laxer: [], otherwise: [], refusedByNginx: 0, carriedByBoth: 0 };
  for (const raw of requests) {
    const bytes = fillIn(raw, `127.0.0.1:${rig.origin.port}`, auth);
    const theirs = await readingOf(nginx.port, bytes);
    const ours = await readingOf(rig.proxy.proxyPort, bytes);
    const isRefused = theirs.status === 0 || theirs.status >= 400;
    const line = `${JSON.stringify(raw)}: nginx ${theirs.status} ${theirs.seen.join(", ")}; here ${ours.status} ${ours.seen.join(", ")}`;
    if (isRefused) found.refusedByNginx += 1;
    if (ours.seen.length === 0) continue;
    if (!isRefused) found.carriedByBoth += 1;
    if (isRefused) found.laxer.push(line);
    // What comes behind may be refused here.
    const isSame = ours.seen.every((request, at) => request === theirs.seen[at]);
    if (!isRefused && !isSame) found.otherwise.push(line);
  }
  return found;
}

const written = [...refusedRequests, ...carriedRequests].map(([, raw]) => raw);

test(`of ${written.length} hostile requests none that nginx refuses is passed on, and what both pass on is read as one`, async () => {
  const { laxer, otherwise, refusedByNginx, carriedByBoth } = await compare(written);
  expect({ laxer, otherwise }).toEqual({ laxer: [], otherwise: [] });
  expect([refusedByNginx > 20, carriedByBoth > 10]).toEqual([true, true]);
});

const injuries: Injuries = {
  corpus: carriedRequests.map(([, raw]) => Buffer.from(raw, "latin1")),
  words: [
    ...(requestHeads.words ?? []),
    "Content-Length: 3\r\n",
    "0\r\n\r\n",
    "3\r\nabc\r\n",
    "\r\n ",
    " :",
    "GET http://~/smuggled HTTP/1.1\r\n",
  ],
};
const seed = Number(process.env["FUZZ_SEED"] ?? 20_261);
const injuredMax = 300;

test(`nor of ${injuredMax} injured ones (seed ${seed})`, async () => {
  const random = makeRandom(seed);
  const injured = Array.from({ length: injuredMax }, () => injure(injuries, random).toString("latin1"));
  const { laxer, otherwise, refusedByNginx, carriedByBoth } = await compare(injured.filter((raw) => raw.length < 8_000));
  expect({ laxer, otherwise }).toEqual({ laxer: [], otherwise: [] });
  expect([refusedByNginx > 100, carriedByBoth > 20]).toEqual([true, true]);
});
