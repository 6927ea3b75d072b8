import { encodeControl, encodeFrame, encodeGoAway, encodeOpen, encodeOpened, frameTypes } from "@karvon/wire";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createTunnel } from "./index.ts";
import { Rig, until } from "./test/rig.ts";
import type { Tunnel, TunnelEnd } from "./types.ts";

const rig = new Rig();
afterEach(() => rig.closeAll());

interface Raw {
  readonly tunnel: Tunnel;
  /** What the tunnel has sent to the raw peer. */
  readonly received: () => Buffer;
  readonly send: (...frames: readonly Buffer[]) => void;
  readonly end: () => TunnelEnd | null;
}

/** One side is a tunnel, the other is this test with a plain TLS socket. */
async function openRaw(role: "gateway" | "node"): Promise<Raw> {
  const { server, client } = await rig.openTls();
  const chunks: Buffer[] = [];
  let end: TunnelEnd | null = null;
  client.on("data", (chunk: Buffer) => chunks.push(chunk));
  const tunnel = createTunnel({
    socket: server,
    role,
    // Every stream starts with the same window.
    limits: { firstCreditBytes: 0 },
    onOpen: (stream) => stream.opened({ address: "192.0.2.1", family: 4, connectMs: 1 }),
    onClose: (how) => (end = how),
  });
  return { tunnel, received: () => Buffer.concat(chunks), send: (...frames) => client.write(Buffer.concat(frames)), end: () => end };
}
const open = (id: number): Buffer => encodeFrame(frameTypes.open, id, encodeOpen({ window: 65_536, host: "example.com", port: 443 }));
const opened = (id: number): Buffer =>
  encodeFrame(frameTypes.opened, id, encodeOpened({ window: 65_536, connectMs: 1, address: "192.0.2.1" }));
const data = (id: number, bytes: number): Buffer => encodeFrame(frameTypes.data, id, Buffer.alloc(bytes));
const window = (id: number, bytes: number): Buffer => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return encodeFrame(frameTypes.window, id, payload);
};
const goAwayProtocol = encodeFrame(frameTypes.goAway, 0, encodeGoAway({ lastStreamId: 0, reason: 9 })).subarray(0, 8);

describe("a node closes with GOAWAY 9", () => {
  test.each<readonly [string, readonly Buffer[], string]>([
    ["an unknown type under 128", [encodeFrame(17, 0)], "unknown-type"],
    ["a control frame over 4,096 bytes", [encodeFrame(frameTypes.auth, 0, Buffer.alloc(4_097))], "frame-too-long"],
    ["a DATA frame over 16,376 bytes", [open(1), data(1, 16_377)], "frame-too-long"],
    ["an empty DATA frame", [open(1), encodeFrame(frameTypes.data, 1)], "frame-too-short"],
    ["DATA on stream 0", [data(0, 1)], "wrong-stream"],
    ["PING on a stream", [encodeFrame(frameTypes.ping, 1, Buffer.alloc(4))], "wrong-stream"],
    ["DATA for a stream that was never opened", [data(3, 1)], "data-for-unopened-stream"],
    ["FIN for a stream that was never opened", [encodeFrame(frameTypes.fin, 3)], "frame-for-unopened-stream"],
    ["DATA over the window", [open(1), ...Array.from({ length: 5 }, () => data(1, 16_376))], "data-over-window"],
    ["DATA after FIN", [open(1), encodeFrame(frameTypes.fin, 1), data(1, 1)], "data-out-of-place"],
    ["a second FIN", [open(1), encodeFrame(frameTypes.fin, 1), encodeFrame(frameTypes.fin, 1)], "second-fin"],
    ["a WINDOW of 0", [open(1), window(1, 0)], "bad-window"],
    ["a WINDOW beyond 2^31", [open(1), window(1, 0x7fff_ffff)], "bad-window"],
    ["an even stream id", [open(2)], "bad-stream-id"],
    ["a stream id again", [open(1), open(1)], "bad-stream-id"],
    ["OPENED from the gateway", [open(1), opened(1)], "bad-opened"],
    ["an OPEN whose lengths disagree", [encodeFrame(frameTypes.open, 1, Buffer.alloc(20, 7))], "bad-open"],
    ["a control frame that is no JSON", [encodeFrame(frameTypes.challenge, 0, Buffer.from("{nonsense"))], "bad-control"],
    [
      "a control frame with a field of the wrong type",
      [encodeFrame(frameTypes.challenge, 0, Buffer.from('{"gatewayId":1,"nonce":"x","protocol":1}'))],
      "bad-control",
    ],
  ])("for %s", async (_name, frames, detail) => {
    const raw = await openRaw("node");
    raw.send(...frames);
    await until(() => raw.end() !== null, "the tunnel ends");
    expect(raw.end()).toEqual({ kind: "protocol", detail });
    await until(() => raw.received().includes(goAwayProtocol), "the GOAWAY arrives");
    expect(raw.received().at(-1)).toBe(9);
  });

  test("and the whole frame before the bad one still counts", async () => {
    const raw = await openRaw("node");
    raw.send(open(1), encodeFrame(200, 0, Buffer.from("from the future")), open(3), encodeFrame(99, 0));
    await until(() => raw.end() !== null, "the tunnel ends");
    await until(
      () =>
        raw.received().includes(encodeFrame(frameTypes.opened, 3, encodeOpened({ window: 65_536, connectMs: 1, address: "192.0.2.1" }))),
      "OPENED 3",
    );
    expect(raw.end()?.detail).toBe("unknown-type");
  });
});

describe("a gateway closes with GOAWAY 9", () => {
  const handlers = { onOpened: () => undefined, onRefused: () => undefined };
  test.each<readonly [string, readonly Buffer[], string]>([
    ["an OPEN from the node", [open(1)], "bad-open"],
    ["DATA before OPENED", [data(1, 1)], "data-out-of-place"],
    ["FIN before OPENED", [encodeFrame(frameTypes.fin, 1)], "frame-before-opened"],
    ["OPENED twice", [opened(1), opened(1)], "bad-opened"],
    [
      "DATA beyond what a reset stream had been granted",
      [opened(1), encodeFrame(frameTypes.rst, 1, Buffer.from([1])), data(1, 16_376)],
      "data-after-end",
    ],
  ])("for %s", async (_name, frames, detail) => {
    const raw = await openRaw("gateway");
    raw.tunnel.open({ host: "example.com", port: 443 }, handlers);
    raw.send(...frames);
    await until(() => raw.end() !== null, "the tunnel ends");
    expect(raw.end()).toEqual({ kind: "protocol", detail });
  });

  test("but takes late DATA of a stream that it has reset, as far as it had granted it", async () => {
    const raw = await openRaw("gateway");
    const stream = raw.tunnel.open({ host: "example.com", port: 443 }, handlers);
    raw.send(opened(1));
    await until(() => raw.received().length > 0, "OPEN arrives");
    stream.reset("cancelled");
    raw.send(...Array.from({ length: 4 }, () => data(1, 16_000)));
    await until(() => raw.tunnel.lateBytes === 64_000, "the late bytes are counted");
    expect(raw.tunnel.isClosed).toBe(false);
    raw.send(data(1, 16_000));
    await until(() => raw.end() !== null, "the tunnel ends");
    expect(raw.end()?.detail).toBe("data-after-end");
  });
});

test("no sequence of frames or noise does anything but end the tunnel", async () => {
  const { server, client } = await rig.openTls();
  server.destroy();
  client.destroy();
  const frame = fc
    .tuple(
      fc.oneof(fc.nat(18), fc.nat(255)),
      fc.oneof(fc.constantFrom(0, 1, 2, 3, 5), fc.nat(0xffff_ffff)),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([type, id, payload]) => encodeFrame(type, id, payload));
  const valid = fc.constantFrom(
    open(1),
    open(3),
    data(1, 900),
    data(3, 16_376),
    window(1, 5),
    encodeFrame(frameTypes.fin, 1),
    encodeFrame(frameTypes.rst, 3, Buffer.from([4])),
    opened(1),
    opened(3),
    encodeFrame(frameTypes.withdraw, 0, encodeControl("withdraw", {})),
  );
  const noise = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(valid, valid, frame, noise), { minLength: 1, maxLength: 12 }),
      fc.constantFrom("gateway" as const, "node" as const),
      async (frames, role) => {
        const raw = await openRaw(role);
        if (role === "gateway") raw.tunnel.open({ host: "a.example", port: 80 }, { onOpened: () => undefined, onRefused: () => undefined });
        raw.send(...frames, encodeFrame(99, 0));
        await until(() => raw.tunnel.isClosed, "the tunnel ends");
        expect(raw.tunnel.openStreams).toBe(0);
        rig.closeAll();
      },
    ),
    { numRuns: 80 },
  );
});
