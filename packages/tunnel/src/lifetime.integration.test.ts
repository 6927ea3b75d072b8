import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createTunnel } from "./index.ts";
import { gatewayOf, ignore, type Line, listen, nodeOf, Rig, until } from "./test/rig.ts";
import type { StreamEnd, TunnelStream } from "./types.ts";

const rig = new Rig();
afterEach(() => rig.closeAll());
const quick = { pingIdleMs: 100, deadAfterMs: 200 };

/** A TCP relay that can stop carrying bytes without ending anything, as a phone that left its network does. */
async function openRelay(port: number): Promise<{ port: number; freeze: () => void }> {
  const ends: Socket[] = [];
  let isFrozen = false;
  const carry = (from: Socket, to: Socket): void => {
    from.on("error", ignore);
    from.on("data", (chunk: Buffer) => {
      if (!isFrozen) to.write(chunk);
    });
    rig.onClose(() => from.destroy());
    ends.push(from);
  };
  const server = createServer((near) => {
    const far = connect({ port, host: "127.0.0.1" });
    carry(near, far);
    carry(far, near);
  });
  rig.onClose(() => server.close());
  return { port: await listen(server), freeze: () => (isFrozen = true) };
}

describe("a peer that vanishes without a word", () => {
  test("is noticed by both sides, and its streams are lost", async () => {
    let freeze = ignore;
    const line = await rig.openLine({
      targetPort: await rig.startTarget((socket) => socket.write("hello")),
      gatewayLimits: quick,
      nodeLimits: quick,
      via: async (port) => {
        const relay = await openRelay(port);
        freeze = relay.freeze;
        return relay.port;
      },
    });
    const client = await rig.dial(line.port);
    await once(client, "data");
    freeze();
    const startedAtMs = Date.now();
    await until(() => line.gatewayEnd !== null && line.nodeEnd !== null, "both sides notice");
    expect(Date.now() - startedAtMs).toBeLessThan(1_500);
    expect([line.gatewayEnd?.kind, line.nodeEnd?.kind]).toEqual(["silent", "silent"]);
    expect(line.ends).toEqual([{ kind: "lost" }]);
    await until(() => client.closed, "the client's connection closes");
  });

  test("refuses what it was asked for and never answered", async () => {
    const refusals: string[] = [];
    const line = await rig.openLine({ gatewayLimits: quick, nodeLimits: quick, onOpen: ignore });
    gatewayOf(line).open({ host: "example.com", port: 443 }, { onOpened: ignore, onRefused: (code) => refusals.push(code) });
    nodeOf(line).close();
    await until(() => refusals.length === 1, "the refusal");
    expect(refusals).toEqual(["lost"]);
  });
});

test("an idle tunnel stays, because both sides ping", async () => {
  const line = await rig.openLine({ gatewayLimits: quick, nodeLimits: quick });
  const startedAtMs = Date.now();
  await until(() => Date.now() - startedAtMs > 1_000, "a second passes");
  expect([gatewayOf(line).isClosed, nodeOf(line).isClosed]).toEqual([false, false]);
  expect(gatewayOf(line).rttMs).toBeGreaterThanOrEqual(0);
});

test("a peer that sends but does not read ends the tunnel", async () => {
  const { server, client } = await rig.openTls();
  const ends: string[] = [];
  const tunnel = createTunnel({
    socket: server,
    role: "gateway",
    limits: { controlQueueMaxBytes: 131_072 },
    onClose: (end) => ends.push(end.kind),
  });
  client.pause();
  const ping = Buffer.from([6, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1]);
  const flood = Buffer.concat(Array.from({ length: 5_000 }, () => ping));
  const send = (): void => {
    if (!tunnel.isClosed && !client.destroyed) client.write(flood, () => setImmediate(send));
  };
  send();
  await until(() => ends.length === 1, "the tunnel ends", 20_000);
  expect(ends).toEqual(["stalled"]);
});

describe("leaving", () => {
  async function lineWithStream(): Promise<{ line: Line; client: Socket; target: Socket }> {
    const targets: Socket[] = [];
    const line = await rig.openLine({ targetPort: await rig.startTarget((socket) => targets.push(socket)) });
    const client = await rig.dial(line.port);
    await until(() => targets.length === 1 && line.streams[0]?.isClosed === false && line.nodeStreams.length === 1, "the stream is open");
    const [target] = targets;
    if (target === undefined) throw new Error("no target");
    return { line, client, target };
  }

  test("goAway lets open streams finish, takes no new ones and then ends both sides", async () => {
    const { line, client, target } = await lineWithStream();
    nodeOf(line).goAway("ownerStopped");
    await until(() => !gatewayOf(line).mayOpen, "the gateway hears of it");
    expect(gatewayOf(line).isClosed).toBe(false);
    client.write("still");
    expect((await once(target, "data")).toString()).toBe("still");
    target.end();
    client.end();
    await until(() => line.gatewayEnd !== null && line.nodeEnd !== null, "both sides end");
    expect(line.ends).toEqual([{ kind: "finished" }]);
    expect([line.gatewayEnd?.kind, line.nodeEnd?.kind]).toContain("drained");
  });

  test("draining ends after its time even when streams do not", async () => {
    const line = await rig.openLine({ nodeLimits: { drainMs: 100 }, targetPort: await rig.startTarget(ignore) });
    await rig.dial(line.port);
    await until(() => line.nodeStreams.length === 1, "the stream is open");
    nodeOf(line).goAway("shutdown");
    await until(() => line.nodeEnd !== null, "the node ends");
    expect(line.nodeEnd?.kind).toBe("drained");
    await until(() => line.ends.length === 1, "the stream ends");
    expect(line.ends).toEqual([{ kind: "lost" }]);
  });

  test("close says what was queued before it ends", async () => {
    const { line } = await lineWithStream();
    gatewayOf(line).sendControl("refused", { code: "consent_withdrawn", message: "The owner has withdrawn consent." });
    gatewayOf(line).close();
    await until(() => line.nodeEnd !== null, "the node hears of it");
    expect(line.control).toEqual([
      { type: "refused", payload: { code: "consent_withdrawn", message: "The owner has withdrawn consent." } },
    ]);
    expect(line.gatewayEnd).toEqual({ kind: "closed", detail: "closed here" });
    expect(line.ends).toEqual([{ kind: "lost" }]);
  });

  test("every stream has ended when the tunnel says that it has", async () => {
    const { server, client } = await rig.openTls();
    const log: string[] = [];
    createTunnel({ socket: client, role: "node", onOpen: ignore });
    const gateway = createTunnel({ socket: server, role: "gateway", onClose: () => log.push("tunnel") });
    gateway.open(
      { host: "a.example", port: 1 },
      { onOpened: ignore, onRefused: () => log.push("refused"), onEnd: (end) => log.push(`stream ${end.kind}`) },
    );
    client.destroy();
    await until(() => log.includes("tunnel"), "the tunnel ends");
    expect(log).toEqual(["refused", "stream lost", "tunnel"]);
    expect(() => gateway.open({ host: "a.example", port: 1 }, { onOpened: ignore, onRefused: ignore })).toThrow("takes no new streams");
  });
});

test("a node that is full says busy", async () => {
  const held: TunnelStream[] = [];
  const line = await rig.openLine({ nodeLimits: { streamsMax: 2 }, onOpen: (stream) => held.push(stream) });
  const refusals: string[] = [];
  for (let count = 0; count < 3; count += 1)
    gatewayOf(line).open({ host: "a.example", port: 1 }, { onOpened: ignore, onRefused: (code) => refusals.push(code) });
  await until(() => refusals.length === 1, "the refusal");
  expect([refusals, held.length]).toEqual([["busy"], 2]);
});

describe("toDuplex", () => {
  test("carries both ways with back-pressure and half-close", async () => {
    const line = await rig.openLine({ onOpen: echoByDuplex });
    const ends: StreamEnd[] = [];
    const stream = gatewayOf(line).open(
      { host: "a.example", port: 1 },
      { onOpened: ignore, onRefused: ignore, onEnd: (end) => ends.push(end) },
    );
    const duplex = stream.toDuplex();
    const sent = Buffer.alloc(3_000_000, "karvon");
    duplex.end(sent);
    const chunks: Buffer[] = [];
    for await (const chunk of duplex) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
    await until(() => ends.length === 1, "the stream ends");
    expect(ends).toEqual([{ kind: "finished" }]);
    expect([stream.upBytes, stream.downBytes]).toEqual([sent.length, sent.length]);
  });

  test("is destroyed with an error when the peer resets", async () => {
    const line = await rig.openLine({
      onOpen: (stream) => {
        stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 });
        stream.reset("targetReset");
      },
    });
    const duplex = gatewayOf(line).open({ host: "a.example", port: 1 }, { onOpened: ignore, onRefused: ignore }).toDuplex();
    const errors: string[] = [];
    duplex.on("error", (error) => errors.push(error.message));
    await until(() => duplex.destroyed && errors.length === 1, "the Duplex is destroyed");
    expect(errors).toEqual(["the stream was reset: targetReset"]);
  });

  test("resets the stream when it is destroyed", async () => {
    const nodeEnds: StreamEnd[] = [];
    const line = await rig.openLine({
      onOpen: (stream) => {
        stream.onEnd((end) => nodeEnds.push(end));
        stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 });
      },
    });
    const duplex = gatewayOf(line)
      .open({ host: "a.example", port: 1 }, { onOpened: () => duplex.destroy(), onRefused: ignore })
      .toDuplex();
    await until(() => nodeEnds.length === 1, "the node hears of it");
    expect(nodeEnds).toEqual([{ kind: "reset", by: "peer", code: "cancelled" }]);
  });
});

describe("connectSink", () => {
  /** Keeps what it gets; says "wait" after `roomBytes`. */
  function makeSink(roomBytes: number) {
    const got: Buffer[] = [];
    const sink = {
      destroyed: false,
      hasEnded: false,
      why: "",
      got,
      gotBytes: () => got.reduce((sum, chunk) => sum + chunk.length, 0),
      write: (chunk: Buffer) => got.push(chunk) > 0 && sink.gotBytes() < roomBytes,
      cork: ignore,
      uncork: ignore,
      resume: ignore,
      end: () => void (sink.hasEnded = true),
      destroy: (error?: Error) => {
        sink.destroyed = true;
        sink.why = error?.message ?? "";
      },
    };
    return sink;
  }
  const open = (line: Line): TunnelStream => gatewayOf(line).open({ host: "a.example", port: 1 }, { onOpened: ignore, onRefused: ignore });

  test("carries both ways, and a sink that asks to wait holds at most its window", async () => {
    const line = await rig.openLine({ onOpen: echoByDuplex, gatewayLimits: { firstCreditBytes: 0 } });
    const sink = makeSink(1);
    const stream = open(line);
    const driver = stream.connectSink(sink);
    const sent = Buffer.alloc(1_000_000, "karvon");
    driver.push(sent);
    driver.fin();
    await until(() => sink.gotBytes() >= 65_536, "the window is used up");
    expect(sink.gotBytes()).toBe(65_536);
    while (sink.gotBytes() < sent.length) {
      const before = sink.gotBytes();
      driver.drained();
      await until(() => sink.gotBytes() > before, "more comes after drained");
    }
    await until(() => sink.hasEnded && stream.isClosed, "the end");
    expect(Buffer.concat(sink.got).equals(sent)).toBe(true);
    expect(sink.destroyed).toBe(false);
  });

  test("gives its place to a socket that is attached later", async () => {
    const line = await rig.openLine({ onOpen: echoByDuplex });
    const sink = makeSink(Number.POSITIVE_INFINITY);
    const stream = open(line);
    stream.connectSink(sink).push(Buffer.from("parsed"));
    await until(() => sink.gotBytes() === 6, "what is parsed");
    let isAttached = false;
    const port = await rig.startTarget((socket) => {
      stream.attach(socket, Buffer.from("head "));
      isAttached = true;
    });
    const client = await rig.dial(port);
    await until(() => isAttached, "the socket is attached");
    const chunks: Buffer[] = [];
    client.on("data", (chunk: Buffer) => chunks.push(chunk));
    client.end("tail");
    await until(() => stream.isClosed, "the stream finishes");
    await until(() => Buffer.concat(chunks).toString() === "head tail", "everything comes back");
    expect(Buffer.concat(sink.got).toString()).toBe("parsed");
  });

  test("destroys the sink with the reason of a reset, also when it came first", async () => {
    const line = await rig.openLine({
      onOpen: (stream) => {
        stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 });
        stream.reset("targetReset");
      },
    });
    const sink = makeSink(1);
    const stream = open(line);
    stream.connectSink(sink);
    await until(() => sink.destroyed, "the sink hears of it");
    expect(sink.why).toBe("the stream was reset: targetReset");
    const late = makeSink(1);
    stream.connectSink(late);
    expect(late.why).toBe("the stream has ended");
  });
});

/** A node that echoes by a Duplex of its own. */
function echoByDuplex(stream: TunnelStream): void {
  stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 });
  const duplex = stream.toDuplex();
  duplex.pipe(duplex);
}
