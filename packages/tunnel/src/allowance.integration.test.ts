import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Allowance } from "./allowance.ts";
import { type Line, Rig, until } from "./test/rig.ts";

const rig = new Rig();
afterEach(() => rig.closeAll());

const mib = 1_048_576;
const oneMb = randomBytes(1_000_000);

/** All its streams spend from `allowance` from their first byte on. */
async function meteredLine(allowance: Allowance, onConnection: (socket: Socket) => void): Promise<Line> {
  return rig.openLine({ targetPort: await rig.startTarget(onConnection), allowance });
}

function collect(socket: Socket): { readonly bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { bytes: () => Buffer.concat(chunks) };
}

describe("streams with an allowance", () => {
  test("hand on as many bytes as it covers and not one more, and go on when there is more", async () => {
    const allowance = new Allowance(300_001, null);
    const line = await meteredLine(allowance, (socket) => socket.end(oneMb));
    const client = await rig.dial(line.port);
    const received = collect(client);
    await until(() => allowance.isShort && received.bytes().length === 300_001, "the stream stops at the last byte");
    expect([allowance.left, line.streams[0]?.downBytes]).toEqual([0, 300_001]);
    allowance.add(1);
    await until(() => received.bytes().length === 300_002, "one byte more");
    const ended = once(client, "end");
    client.end();
    allowance.add(mib);
    await ended;
    expect(received.bytes().equals(oneMb)).toBe(true);
    await until(() => line.ends.length === 1, "the stream ends");
    expect(line.ends[0]).toEqual({ kind: "finished" });
    expect(allowance.left).toBe(mib + 300_002 - oneMb.length);
  });

  test("send no more than it covers, pause whoever makes the bytes, and go on when there is more", async () => {
    const allowance = new Allowance(200_000, null);
    let target: { readonly bytes: () => Buffer } | null = null;
    const line = await meteredLine(allowance, (socket) => (target = collect(socket)));
    const client = await rig.dial(line.port);
    client.end(Buffer.concat(Array.from({ length: 20 }, () => oneMb)));
    await until(() => target?.bytes().length === 200_000, "the upload stops at the last byte");
    expect(line.streams[0]?.upBytes).toBe(200_000);
    expect(line.streams[0]?.heldBytes).toBeLessThan(mib);
    allowance.add(50 * mib);
    await until(() => target?.bytes().length === 20 * oneMb.length, "the whole upload");
  });

  test("share it: together they move what it covers, each in its own order", async () => {
    const allowance = new Allowance(2_500_000, null);
    const line = await meteredLine(allowance, (socket) => socket.end(oneMb));
    const clients = await Promise.all(Array.from({ length: 8 }, async () => collect(await rig.dial(line.port))));
    const sum = (): number => clients.reduce((bytes, client) => bytes + client.bytes().length, 0);
    await until(() => sum() === 2_500_000, "all stop together");
    for (let round = 0; round < 6; round += 1) allowance.add(1_000_000);
    await until(() => sum() === 8 * oneMb.length, "all arrive whole");
    for (const client of clients) expect(client.bytes().equals(oneMb)).toBe(true);
  });

  test("give what waited to its reader although nothing else arrives", async () => {
    const allowance = new Allowance(1_000, null);
    const targetPort = await rig.startTarget((socket) => socket.write(oneMb.subarray(0, 200_000)));
    const limits = { pingIdleMs: 60_000, deadAfterMs: 120_000 };
    const line = await rig.openLine({ targetPort, allowance, gatewayLimits: limits, nodeLimits: limits });
    const received = collect(await rig.dial(line.port));
    await until(() => line.nodeStreams[0]?.downBytes === 200_000, "everything has left the node");
    await until(() => allowance.isShort, "the stream waits");
    allowance.add(mib);
    await until(() => received.bytes().length === 200_000, "all that waited");
  });

  test("take what their source has at once, without stopping", async () => {
    let asked = 0;
    const allowance: Allowance = new Allowance(0, {
      refill() {
        asked += 1;
        allowance.left += 100_000;
      },
    });
    const line = await meteredLine(allowance, (socket) => socket.end(oneMb));
    const received = collect(await rig.dial(line.port));
    await until(() => received.bytes().length === oneMb.length, "everything");
    expect(asked).toBe(10);
    expect(allowance.isShort).toBe(false);
  });

  test("are broken off, not ended, when they are reset with bytes that were not covered", async () => {
    const allowance = new Allowance(1_000, null);
    const line = await meteredLine(allowance, (socket) => {
      socket.write(oneMb.subarray(0, 2_000));
    });
    const client = await rig.dial(line.port);
    const received = collect(client);
    const error = once(client, "error");
    await until(() => received.bytes().length === 1_000, "the covered part");
    line.nodeStreams[0]?.reset("targetReset");
    expect(String(await error)).toContain("ECONNRESET");
    expect(allowance.left).toBe(0);
  });
});
