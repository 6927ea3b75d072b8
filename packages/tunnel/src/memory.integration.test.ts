import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { gatewayOf, type Line, listen, Rig, until } from "./test/rig.ts";

const rig = new Rig();
afterEach(() => rig.closeAll());

const mb = 1_024 * 1_024;
const tightWindowBytes = 128 * 1_024;
/** What a socket takes before it asks to wait comes on top, and the chunk that was on its way. */
const tightBytes = tightWindowBytes + 2 * 65_536;

function pressureOf(isHigh: boolean): { isHigh: boolean; heldBytes: number; noteHeld: (bytes: number) => void } {
  const pressure = { isHigh, heldBytes: 0, noteHeld: (bytes: number) => void (pressure.heldBytes += bytes) };
  return pressure;
}

/**
 * Reads 24 MB of an endless download, then stalls; waits until the gateway holds more than `moreThan` for the client, and
 * answers how much it is when nothing moves any more.
 */
async function heldAfterStall(line: Line, moreThan: number): Promise<number> {
  const client = await rig.dial(line.port);
  let received = 0;
  client.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received >= 24 * mb) client.pause();
  });
  await until(() => client.isPaused(), "the client has enough");
  await until(() => (line.streams[0]?.heldBytes ?? 0) > moreThan, `more than ${moreThan} bytes are held`);
  await untilStill(line);
  return line.streams[0]?.heldBytes ?? 0;
}

async function untilStill(line: Line): Promise<void> {
  let last = -1;
  await until(() => {
    const now = line.streams[0]?.downBytes ?? 0;
    const isStill = now === last;
    last = now;
    return isStill;
  }, "nothing moves any more");
}

function pourForever(socket: Socket): void {
  const chunk = Buffer.alloc(64 * 1_024);
  const pour = (): void => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on("drain", pour);
  pour();
}

describe("memory", () => {
  test("is held for a stalled reader up to little more than the tight window while it is short, and up to more when it is not", async () => {
    const targetPort = await rig.startTarget(pourForever);
    const tightLimits = { tightWindowBytes };
    // The floor keeps the roomy window open however long the round trips of a busy machine are.
    const roomyLimits = { tightWindowBytes, startWindowBytes: mb, minWindowBytes: mb };
    const tight = await heldAfterStall(await rig.openLine({ targetPort, gatewayLimits: tightLimits, pressure: pressureOf(true) }), 0);
    expect(tight).toBeLessThanOrEqual(tightBytes);
    const pressure = pressureOf(false);
    const roomy = await heldAfterStall(await rig.openLine({ targetPort, gatewayLimits: roomyLimits, pressure }), tightBytes);
    expect(pressure.heldBytes).toBeGreaterThanOrEqual(roomy - 65_536);
    expect(roomy).toBeLessThanOrEqual(4 * mb + 2 * 65_536);
  });

  test("is told of an upload that nobody takes to the byte, with what the paused socket keeps", async () => {
    const pressure = pressureOf(false);
    const line = await rig.openLine({ onOpen: (stream) => stream.opened({ address: "127.0.0.1", family: 4, connectMs: 1 }), pressure });
    const client = await rig.dial(line.port);
    const sent = 200_000;
    client.write(Buffer.alloc(sent));
    await until(() => {
      const [stream] = line.streams;
      return stream !== undefined && stream.upBytes > 0 && stream.upBytes + stream.heldBytes === sent;
    }, "all that was sent is counted");
    // What the paused socket keeps came without a word; it is one chunk.
    const held = line.streams[0]?.heldBytes ?? 0;
    expect(pressure.heldBytes).toBeGreaterThanOrEqual(held - 65_536);
    expect(pressure.heldBytes).toBeLessThanOrEqual(sent);
  });

  test("that becomes short takes the windows of running streams back at their next grants", async () => {
    const pressure = pressureOf(false);
    const line = await rig.openLine({ targetPort: await rig.startTarget(pourForever), gatewayLimits: { tightWindowBytes }, pressure });
    const client = await rig.dial(line.port);
    client.resume();
    await until(() => (line.streams[0]?.downBytes ?? 0) > 24 * mb, "the window has grown");
    pressure.isHigh = true;
    const atBytes = line.streams[0]?.downBytes ?? 0;
    await until(() => (line.streams[0]?.downBytes ?? 0) > atBytes + 24 * mb, "the stream goes on");
    client.pause();
    await untilStill(line);
    expect(line.streams[0]?.heldBytes).toBeLessThanOrEqual(tightBytes);
  });
});

describe("a client that has ended and reads nothing more", () => {
  test("is closed when its stream is finished and nothing left the socket for the linger time", async () => {
    const port = await rig.startTarget((target) => target.end(Buffer.alloc(24 * mb)));
    const line = await rig.openLine({
      gatewayLimits: { startWindowBytes: 32 * mb, openCreditMaxBytes: 128 * mb, lingerMs: 200 },
    });
    const ends: string[] = [];
    let held: Socket | null = null;
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (accepted) => {
      held = accepted;
      const stream = gatewayOf(line).open(
        { host: "127.0.0.1", port },
        { onOpened: () => stream.attach(accepted), onRefused: (code) => ends.push(code), onEnd: (end) => ends.push(end.kind) },
      );
    });
    rig.onClose(() => server.close());
    const client = await rig.dial(await listen(server));
    client.pause();
    client.end();
    await until(() => ends.length === 1, "the stream ends");
    expect(ends).toEqual(["finished"]);
    await until(() => held?.destroyed === true, "the socket is closed");
  });
});
