/** Clients that disappear in every phase of every protocol: all that they held is given back, and nobody else notices. */
import { until } from "@karvon/testkit";
import type { Socket } from "node:net";
import { readdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { dial, socksLogin, socksOpening } from "./test/raw-client.ts";
import { openVanishWorld, untilNothingIsHeld, type VanishWorld } from "./test/vanish-world.ts";

let world: VanishWorld;
let descriptorsBefore = 0;
beforeAll(async () => {
  world = await openVanishWorld();
  await untilNothingIsHeld(world);
  descriptorsBefore = countDescriptors();
});
afterEach(() => {
  world.isSilent = false;
  world.answerAll();
});
afterAll(() => world.close());

const countDescriptors = (): number => readdirSync("/proc/self/fd").length;

/** How far the exchange has come before the client leaves. */
type Progress = "sent" | "asked" | "answered" | "flowing";

interface Phase {
  readonly name: string;
  readonly bytes: () => Buffer;
  readonly progress: Progress;
  /** The client keeps its own side closed for a while before it leaves. */
  readonly isHalfClosed?: boolean;
  /** The client goes on sending. */
  readonly isUploading?: boolean;
}

const text = (...lines: string[]): Buffer => Buffer.from(lines.join("\r\n"), "latin1");
const site = (port: number): string => `127.0.0.1:${port}`;

const get = (): Buffer => text(`GET http://${site(world.firehose.port)}/ HTTP/1.1`, "Host: x", world.auth, "");
const post = (): Buffer =>
  text(`POST http://${site(world.polite.port)}/ HTTP/1.1`, "Host: x", "Content-Length: 100000000000", world.auth, "");
const kept = (): Buffer => text(`GET http://${site(world.rig.origin.port)}/ HTTP/1.1`, "Host: x", world.auth, "");
const connect = (port: number): Buffer => text(`CONNECT ${site(port)} HTTP/1.1`, "Host: x", world.auth, "");

const greeting = Buffer.from([5, 1, 2]);
const userLogin = (): Buffer => socksLogin(world.login);
const socks = (port: number): Buffer => socksOpening(world.login, port);
const most = (bytes: Buffer): Buffer => bytes.subarray(0, -3);

const phases: readonly Phase[] = [
  { name: "after the connect", bytes: () => Buffer.alloc(0), progress: "sent" },
  { name: "in a PROXY header", bytes: () => text("PROXY TCP4 192.0.2.1 "), progress: "sent" },
  { name: "in a request line", bytes: () => text("GET http://exam"), progress: "sent" },
  { name: "in a request head", bytes: () => most(get()), progress: "sent" },
  { name: "while a plain request is being opened", bytes: get, progress: "asked" },
  { name: "in its own request body", bytes: post, progress: "sent", isUploading: true },
  { name: "in the answer to a plain request", bytes: get, progress: "flowing" },
  { name: "between two plain requests", bytes: kept, progress: "answered" },
  { name: "while a CONNECT is being opened", bytes: () => connect(world.polite.port), progress: "asked" },
  {
    name: "while a CONNECT with early data is being opened",
    bytes: () => Buffer.concat([connect(world.polite.port), Buffer.alloc(50_000)]),
    progress: "asked",
  },
  { name: "in a tunnel at rest", bytes: () => connect(world.polite.port), progress: "answered" },
  { name: "in a tunnel, downloading", bytes: () => connect(world.firehose.port), progress: "flowing" },
  { name: "in a tunnel, uploading", bytes: () => connect(world.polite.port), progress: "answered", isUploading: true },
  { name: "in a tunnel, half-closed", bytes: () => connect(world.polite.port), progress: "answered", isHalfClosed: true },
  { name: "in a tunnel, downloading, half-closed", bytes: () => connect(world.firehose.port), progress: "flowing", isHalfClosed: true },
  { name: "in a tunnel that the target has half-closed", bytes: () => connect(world.closing.port), progress: "answered" },
  { name: "in a SOCKS5 greeting", bytes: () => most(Buffer.concat([greeting, Buffer.from([5])])).subarray(0, 1), progress: "sent" },
  { name: "after a SOCKS5 greeting", bytes: () => greeting, progress: "answered" },
  { name: "in a SOCKS5 login", bytes: () => most(Buffer.concat([greeting, userLogin()])), progress: "answered" },
  { name: "after a SOCKS5 login", bytes: () => Buffer.concat([greeting, userLogin()]), progress: "answered" },
  { name: "in a SOCKS5 request", bytes: () => most(socks(world.polite.port)), progress: "answered" },
  { name: "while a SOCKS5 request is being opened", bytes: () => socks(world.polite.port), progress: "asked" },
  { name: "in a SOCKS5 session, downloading", bytes: () => socks(world.firehose.port), progress: "flowing" },
  { name: "in a SOCKS5 session, uploading", bytes: () => socks(world.polite.port), progress: "answered", isUploading: true },
];

/** Sends, waits for the phase, and answers the socket. */
async function reach(phase: Phase): Promise<Socket> {
  world.isSilent = phase.progress === "asked";
  const socket = await dial(world.rig.proxy.proxyPort);
  let received = 0;
  socket.on("data", (chunk: Buffer) => (received += chunk.length));
  socket.write(phase.bytes());
  if (phase.progress === "asked") await until(() => world.node.tunnel.openStreams > 0, { what: "the node is asked" });
  if (phase.progress === "answered") await until(() => received > 0, { what: "the answer" });
  if (phase.progress === "flowing") {
    await until(() => received > 300_000, { what: "the flow" });
    // From now on it reads no more: buffers fill everywhere.
    socket.pause();
  }
  if (phase.isUploading === true) upload(socket);
  if (phase.isHalfClosed === true) {
    socket.end();
    await until(() => socket.writableFinished);
  }
  return socket;
}

/** Sends for as long as the socket lives, and has already begun. */
function upload(socket: Socket): void {
  const part = Buffer.alloc(65_536);
  const more = (): void => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on("drain", more);
  more();
}

describe.each(phases)("a client that disappears $name", (phase) => {
  test.each(["closes", "resets"] as const)("and %s leaves nothing behind", async (manner) => {
    const socket = await reach(phase);
    if (manner === "closes") socket.destroy();
    else socket.resetAndDestroy();
    // Closing both sides looks like closing one, so whoever waits for the node still gets its answer.
    if (manner === "closes") world.answerAll();
    await untilNothingIsHeld(world);
    expect(await world.rig.metrics()).toMatch(/^karvon_faults_total 0$/m);
  });
});

test("after all of them descriptors are back at the start, and the gateway serves", async () => {
  await until(() => countDescriptors() <= descriptorsBefore + 2, { what: `descriptors back at ${descriptorsBefore}` });
  const socket = await reach({ name: "", bytes: kept, progress: "answered" });
  socket.destroy();
  expect(world.rig.logLines.filter((line) => line["level"] === "error")).toEqual([]);
});
