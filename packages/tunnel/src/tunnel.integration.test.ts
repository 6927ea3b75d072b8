import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { gatewayOf, type Line, Rig, until } from "./test/rig.ts";

const rig = new Rig();
afterEach(() => rig.closeAll());

const tenMb = randomBytes(10 * 1_024 * 1_024);
const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** Everything that the socket says until it half-closes. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await once(socket, "end");
  return Buffer.concat(chunks);
}
const echo = (socket: Socket): void => {
  socket.pipe(socket);
};
async function echoLine(options: Parameters<Rig["openLine"]>[0] = {}): Promise<Line> {
  return rig.openLine({ targetPort: await rig.startTarget(echo), ...options });
}

describe("a tunnel over TLS", () => {
  test("carries 10 MB each way and counts them to the byte", async () => {
    const line = await echoLine();
    const client = await rig.dial(line.port);
    const received = readAll(client);
    client.end(tenMb);
    expect(sha256(await received)).toBe(sha256(tenMb));
    await until(() => line.ends.length === 1, "the stream ends");
    expect(line.ends[0]).toEqual({ kind: "finished" });
    for (const stream of [line.streams[0], line.nodeStreams[0]])
      expect([stream?.upBytes, stream?.downBytes]).toEqual([tenMb.length, tenMb.length]);
    expect(gatewayOf(line).openStreams).toBe(0);
  });

  test("carries 200 streams at once, each with its own bytes", async () => {
    const line = await echoLine();
    const payloads = Array.from({ length: 200 }, (_, index) => randomBytes(20_000 + index * 997));
    const answers = await Promise.all(
      payloads.map(async (payload) => {
        const client = await rig.dial(line.port);
        const received = readAll(client);
        client.end(payload);
        return received;
      }),
    );
    expect(answers.map(sha256)).toEqual(payloads.map(sha256));
    await until(() => line.ends.length === 200, "all streams end");
    expect(line.ends.every((end) => end.kind === "finished")).toBe(true);
  });

  test("keeps other streams going while eight readers stall, and the stalled ones lose nothing", async () => {
    const line = await rig.openLine({
      targetPort: await rig.startTarget((socket) => socket.once("data", (ask: Buffer) => socket.end(ask[0] === 1 ? tenMb : ask))),
    });
    const stalled = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await rig.dial(line.port);
        client.pause();
        client.write(Buffer.from([1]));
        return client;
      }),
    );
    await until(() => line.streams.length === 8 && line.streams.every((stream) => stream.downBytes > 0), "the stalled streams have begun");
    for (let round = 0; round < 50; round += 1) {
      const client = await rig.dial(line.port);
      const received = readAll(client);
      client.end(Buffer.from([2, round]));
      expect([...(await received)]).toEqual([2, round]);
    }
    const whole = await Promise.all(stalled.map(async (client) => sha256(await readAll(client))));
    expect(whole).toEqual(whole.map(() => sha256(tenMb)));
  });

  test("holds at most its windows and queues for a reader that stalls", async () => {
    const line = await rig.openLine({ targetPort: await rig.startTarget((socket) => socket.end(tenMb)) });
    const client = await rig.dial(line.port);
    client.pause();
    let last = -1;
    await until(() => {
      const now = line.streams[0]?.downBytes ?? 0;
      const isStill = now === last && now > 0;
      last = now;
      return isStill;
    }, "the stream stands still");
    expect(line.streams[0]?.downBytes).toBeLessThan(tenMb.length);
  });

  test("keeps each half open until its own side has ended", async () => {
    const sockets: Socket[] = [];
    const line = await rig.openLine({ targetPort: await rig.startTarget((socket) => sockets.push(socket)) });
    const client = await rig.dial(line.port);
    client.end("question");
    await until(() => sockets.length === 1, "the target is connected");
    const [target] = sockets;
    if (target === undefined) throw new Error("no target");
    expect((await readAll(target)).toString()).toBe("question");
    const answer = readAll(client);
    target.write("late ");
    target.end("answer");
    expect((await answer).toString()).toBe("late answer");

    const second = await rig.dial(line.port);
    await until(() => sockets.length === 2, "the second target is connected");
    const [, server] = sockets;
    if (server === undefined) throw new Error("no second target");
    server.end("banner");
    expect((await readAll(second)).toString()).toBe("banner");
    const upload = readAll(server);
    second.write("still ");
    second.end("talking");
    expect((await upload).toString()).toBe("still talking");
    await until(() => line.ends.length === 2, "both streams end");
    expect(line.ends).toEqual([{ kind: "finished" }, { kind: "finished" }]);
  });

  test("delivers everything that a server said before it slammed the door", async () => {
    const line = await rig.openLine({
      targetPort: await rig.startTarget((socket) => {
        socket.end(tenMb.subarray(0, 300_000), () => socket.destroy());
      }),
    });
    const client = await rig.dial(line.port);
    expect(sha256(await readAll(client))).toBe(sha256(tenMb.subarray(0, 300_000)));
  });
});

describe("a reset", () => {
  test("of a connection that the target refuses reaches the gateway as refused", async () => {
    const line = await rig.openLine({ targetPort: 1 });
    await rig.dial(line.port);
    await until(() => line.refusals.length === 1, "the refusal");
    expect(line.refusals).toEqual(["refused"]);
    expect(line.ends).toEqual([{ kind: "reset", by: "peer", code: "refused" }]);
  });

  test("before the node has answered ends both sides", async () => {
    const nodeEnds: string[] = [];
    const line = await rig.openLine({ onOpen: (stream) => stream.onEnd((end) => nodeEnds.push(JSON.stringify(end))) });
    await rig.dial(line.port);
    await until(() => line.streams.length === 1, "the stream is asked for");
    line.streams[0]?.reset("timeout");
    await until(() => nodeEnds.length === 1, "the node hears of it");
    expect(nodeEnds).toEqual([JSON.stringify({ kind: "reset", by: "peer", code: "timeout" })]);
    expect([line.refusals, line.ends]).toEqual([[], [{ kind: "reset", by: "here", code: "timeout" }]]);
    expect(gatewayOf(line).openStreams).toBe(0);
  });

  test("by the client in the middle of a download ends the target's connection", async () => {
    let isTargetClosed = false;
    const line = await rig.openLine({
      targetPort: await rig.startTarget((socket) => {
        socket.write(tenMb);
        socket.on("close", () => (isTargetClosed = true));
      }),
    });
    const client = await rig.dial(line.port);
    await once(client, "data");
    client.resetAndDestroy();
    await until(() => isTargetClosed, "the target's connection closes");
    expect(line.ends).toEqual([{ kind: "reset", by: "here", code: "cancelled" }]);
    expect(gatewayOf(line).isClosed).toBe(false);
  });

  test("by the target in the middle of a download resets the client instead of ending it cleanly", async () => {
    const line = await rig.openLine({
      targetPort: await rig.startTarget((socket) => {
        socket.write("the first half");
        socket.once("data", () => socket.resetAndDestroy());
      }),
    });
    const client = await rig.dial(line.port);
    const errors: string[] = [];
    client.on("error", (error) => errors.push(error.message));
    await once(client, "data");
    client.write("now");
    client.resume();
    await until(() => client.closed, "the client's connection closes");
    expect(errors).toEqual([expect.stringContaining("ECONNRESET")]);
    await until(() => line.ends.length === 1, "the stream ends");
    expect(line.ends).toEqual([{ kind: "reset", by: "peer", code: "targetReset" }]);
  });

  test("by the target behind its end of data ends the upload, and everything before it arrives, however slow the reader", async () => {
    const part = tenMb.subarray(0, 500_000);
    const targets: Socket[] = [];
    const line = await rig.openLine({ targetPort: await rig.startTarget((socket) => targets.push(socket.end(part))) });
    const client = await rig.dial(line.port);
    client.pause();
    await until(() => line.streams[0]?.downBytes === part.length, "the gateway has it all");
    const [target] = targets;
    target?.resetAndDestroy();
    expect(sha256(await readAll(client))).toBe(sha256(part));
    const sending = setInterval(() => client.write("more"), 5);
    await until(() => client.destroyed, "the client is told").finally(() => clearInterval(sending));
    expect(line.ends).toEqual([{ kind: "reset", by: "peer", code: "targetReset" }]);
  });

  test("that comes in one turn with the end of the data closes the client's connection", async () => {
    const line = await rig.openLine({
      onOpen: (stream) => {
        stream.opened({ address: "127.0.0.1", family: 4, connectMs: 1 });
        stream.toDuplex().end(() => stream.reset("cancelled"));
      },
    });
    const client = await rig.dial(line.port);
    client.resume();
    await until(() => line.closed === 1, "the gateway's socket is closed");
    expect(line.ends).toEqual([{ kind: "reset", by: "peer", code: "cancelled" }]);
  });

  test("by quota in both phases of a half-closed stream ends it at once", async () => {
    const line = await rig.openLine({ targetPort: await rig.startTarget((socket) => socket.write("hello")) });
    const client = await rig.dial(line.port);
    await once(client, "data");
    client.end();
    await until(() => line.streams.length === 1, "the stream");
    line.streams[0]?.reset("quota");
    line.streams[0]?.reset("quota");
    await until(() => line.nodeStreams[0]?.isClosed === true, "the node's side ends");
    expect(line.ends).toEqual([{ kind: "reset", by: "here", code: "quota" }]);
  });
});
