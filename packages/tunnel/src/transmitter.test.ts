import { FrameReader, frameTypes } from "@karvon/wire";
import { Duplex } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { defaultLimits } from "./limits.ts";
import { MuxStream, opening, type StreamHost } from "./stream.ts";
import { Transmitter } from "./transmitter.ts";

/** A socket that keeps what is written and finishes writes when it is told to. */
class HeldSocket extends Duplex {
  readonly written: Buffer[] = [];
  #finish: (() => void) | null = null;
  override _read(): void {
    // Nothing ever arrives.
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(Buffer.from(chunk));
    this.#finish = done;
  }
  finishWrite(): void {
    const finish = this.#finish;
    this.#finish = null;
    finish?.();
  }
}

function rig(): {
  out: Transmitter;
  socket: HeldSocket;
  overflows: number[];
  stream: (id: number, bytes: number) => MuxStream;
  order: () => readonly number[];
} {
  const socket = new HeldSocket();
  const overflows: number[] = [];
  const out = new Transmitter({
    socket,
    slabBytes: 65_536,
    controlQueueMaxBytes: 262_144,
    slabFillBytes: () => 65_536,
    onOverflow: () => overflows.push(1),
    beforeRelease: null,
  });
  const host: StreamHost = {
    isGateway: true,
    limits: defaultLimits,
    beforeRelease: null,
    nextWindow: (current) => current,
    takeCredit: (bytes) => bytes,
    giveCredit: () => undefined,
    noteHeld: () => undefined,
    sendWindow: () => undefined,
    sendFin: (id, isAwaited) => (isAwaited ? out.frame0(frameTypes.fin, id) : out.lateFrame0(frameTypes.fin, id)),
    sendRst: () => undefined,
    sendOpened: () => undefined,
    turn: 0,
    sendNow: (stream, chunk) => out.sendNow(stream, chunk),
    queue: (stream) => out.queue(stream),
    uncorkSoon: () => undefined,
    forget: () => undefined,
    afterEnd: () => undefined,
  };
  const stream = (id: number, bytes: number): MuxStream => {
    const made = new MuxStream(host, id, 65_536);
    made.state &= ~opening;
    made.sendCredit = 1e9;
    made.push(Buffer.alloc(bytes, id));
    return made;
  };
  const order = (): readonly number[] => {
    const ids: number[] = [];
    const reader = new FrameReader({
      dataStart: (id) => ids.push(id),
      dataChunk: () => undefined,
      frame: (type, id) => ids.push(type === frameTypes.fin ? -id : id),
    });
    for (const chunk of socket.written) reader.push(chunk);
    expect(reader.violation).toBeNull();
    return ids;
  };
  return { out, socket, overflows, stream, order };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the transmitter", () => {
  test("gives every stream one frame a turn and keeps one write in flight", async () => {
    const { socket, stream, order } = rig();
    for (const id of [1, 3, 5]) stream(id, 40_000);
    await turn();
    expect(socket.written).toHaveLength(1);
    expect(order()).toEqual([1, 3, 5, 1]);
    for (let left = 0; left < 4; left += 1) {
      socket.finishWrite();
      await turn();
    }
    expect(order().slice(0, 9)).toEqual([1, 3, 5, 1, 3, 5, 1, 3, 5]);
  });

  test("serves a stream that has just become active before those that have been sending", async () => {
    const { socket, stream, order } = rig();
    stream(1, 1_000_000);
    stream(3, 1_000_000);
    await turn();
    const before = order().length;
    stream(5, 100);
    socket.finishWrite();
    await turn();
    expect(order()[before]).toBe(5);
  });

  test("does not let new streams starve old ones", async () => {
    const { socket, stream, order } = rig();
    stream(1, 1_000_000);
    for (let round = 0; round < 5; round += 1) {
      await turn();
      for (let index = 0; index < 8; index += 1) stream(101 + round * 20 + index * 2, 16_000);
      socket.finishWrite();
    }
    await turn();
    expect(order().filter((id) => id === 1).length).toBeGreaterThan(6);
  });

  test("puts control frames before data and FIN behind the last byte of its stream", async () => {
    const { out, stream, order } = rig();
    const sending = stream(1, 20_000);
    sending.fin();
    out.frame32(frameTypes.window, 9, 1);
    await turn();
    expect(order()).toEqual([9, 1, 1, -1]);
  });

  test("lets a FIN behind the other side's FIN go with the next write, and alone when there is none", async () => {
    const { socket, stream, order } = rig();
    const over = stream(1, 10);
    await turn();
    socket.finishWrite();
    over.finArrived();
    over.fin();
    await turn();
    expect(socket.written).toHaveLength(1);
    const next = stream(3, 10);
    await turn();
    expect(order()).toEqual([1, -1, 3]);
    socket.finishWrite();
    next.finArrived();
    next.fin();
    await vi.waitFor(() => expect(order()).toEqual([1, -1, 3, -3]));
  });

  test("reports control frames that pile up while nothing is read", async () => {
    const { out, socket, overflows } = rig();
    out.frame32(frameTypes.pong, 0, 1);
    await turn();
    expect(socket.written).toHaveLength(1);
    for (let count = 0; count < 30_000 && overflows.length === 0; count += 1) out.frame32(frameTypes.pong, 0, count);
    expect(overflows.length).toBeGreaterThan(0);
  });
});
