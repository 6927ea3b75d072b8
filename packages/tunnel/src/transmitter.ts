/**
 * Puts frames of all streams on one connection: control first, then streams that have just become active, then the
 * others in turn, one frame of at most 16 KB each.
 *
 * Frames are copied into one slab, and one slab is written at a time; the next is built when the write is done, so
 * what waits inside the socket is one slab and order among streams is decided as late as possible. Nothing here looks
 * at what a frame means; its maker says when nobody waits for it, and then it shares a write with what comes next.
 *
 * Limits: one write in flight; control frames that pile up while the peer does not read end the tunnel at 512 KB; a frame
 * that nobody waits for leaves within 5 ms.
 */
import { dataPayloadMaxBytes, frameHeaderBytes, frameTypes, putFrameHeader } from "@karvon/wire";
import type { Duplex } from "node:stream";
import { giveSlab, takeSlab } from "./slab-pool.ts";
import { dead, type MuxStream, queued, stopped } from "./stream.ts";

/** Room that a turn must find in the slab: less is not worth a frame. */
const turnBytesMin = 512;
/** How long a frame that nobody waits for looks for company: a record of its own costs as much as a small request. */
const companyMs = 5;

export interface TransmitterOptions {
  readonly socket: Duplex;
  readonly slabBytes: number;
  readonly controlQueueMaxBytes: number;
  /** How much of a slab to fill now. */
  readonly slabFillBytes: () => number;
  /** Control frames have piled up beyond the limit. */
  readonly onOverflow: () => void;
  /** Called before payload leaves; null when nobody asks. */
  readonly beforeRelease: (() => void) | null;
}

interface FullSlab {
  readonly slab: Buffer;
  readonly length: number;
}

export class Transmitter {
  /** Payload and header bytes handed to the socket. */
  writtenBytes = 0;
  /** Counts up with every finished write, for whoever watches for stalls. */
  finishedWrites = 0;
  isWriting = false;
  readonly #options: TransmitterOptions;
  #slab: Buffer | null = null;
  #used = 0;
  #full: FullSlab[] = [];
  #inFlight: Buffer | null = null;
  #isFlushSoon = false;
  /** Armed while nothing but frames that nobody waits for is in the slab, and a little longer. */
  #lateFlush: NodeJS.Timeout | null = null;
  #isStopped = false;
  /** Payload was framed since the last write. */
  #hasPayload = false;
  #fresh: MuxStream[] = [];
  #rotation: MuxStream[] = [];
  readonly #flush = (): void => this.#flushNow();
  readonly #flushLate = (): void => {
    this.#lateFlush = null;
    if (this.#slab !== null) this.#flushNow();
  };
  readonly #written = (): void => this.#writeDone();

  constructor(options: TransmitterOptions) {
    this.#options = options;
  }

  /** The stream has bytes and credit; it is served before those that have been sending for longer. */
  queue(stream: MuxStream): void {
    stream.state |= queued;
    this.#fresh.push(stream);
    this.#flushSoon();
  }

  /**
   * Frames `chunk` into the slab that is written next if it fits one frame and no stream waits for its turn: one copy and
   * no queue. Not beside a write on a slow line: there the order among streams is decided when the write is done.
   */
  sendNow(stream: MuxStream, chunk: Buffer): boolean {
    const bytes = chunk.length;
    if (bytes > dataPayloadMaxBytes || bytes > stream.sendCredit || bytes > stream.allowance.left || this.#isStopped) return false;
    if (this.#full.length > 0 || this.#fresh.length > 0 || this.#rotation.length > 0) return false;
    const limit = Math.min(this.#options.slabFillBytes(), this.#options.slabBytes);
    if (this.isWriting && limit < this.#options.slabBytes) return false;
    const slab = this.#openSlab();
    if (limit - this.#used < frameHeaderBytes + bytes) return false;
    putFrameHeader(slab, this.#used, frameTypes.data, bytes, stream.id);
    chunk.copy(slab, this.#used + frameHeaderBytes);
    this.#used += frameHeaderBytes + bytes;
    this.#hasPayload = true;
    stream.countSent(bytes);
    this.#flushSoon();
    return true;
  }

  frame0(type: number, streamId: number): void {
    this.#header(type, streamId, 0);
    this.#flushSoon();
  }

  /** The same for a frame that nobody waits for. */
  lateFrame0(type: number, streamId: number): void {
    this.#header(type, streamId, 0);
    this.#lateFlush ??= setTimeout(this.#flushLate, companyMs);
  }

  frame8(type: number, streamId: number, value: number): void {
    const slab = this.#header(type, streamId, 1);
    slab[this.#used] = value;
    this.#used += 1;
    this.#flushSoon();
  }

  frame32(type: number, streamId: number, value: number): void {
    const slab = this.#header(type, streamId, 4);
    slab.writeUInt32BE(value, this.#used);
    this.#used += 4;
    this.#flushSoon();
  }

  frame(type: number, streamId: number, payload: Buffer): void {
    const slab = this.#header(type, streamId, payload.length);
    payload.copy(slab, this.#used);
    this.#used += payload.length;
    this.#flushSoon();
  }

  /** Writes what control frames are queued and nothing more; queued data of streams is dropped. */
  finish(): void {
    if (this.#isStopped) return;
    this.#release();
    for (const { slab, length } of this.#full) this.#options.socket.write(slab.subarray(0, length));
    if (this.#slab !== null && this.#used > 0) this.#options.socket.write(this.#slab.subarray(0, this.#used));
    this.stop();
  }

  /** Writes nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#fresh = [];
    this.#rotation = [];
    this.#full = [];
    this.#slab = null;
    if (this.#lateFlush !== null) clearTimeout(this.#lateFlush);
  }

  /** Makes room for a frame and writes its header; the caller writes the payload at `#used` and sees to the flush. */
  #header(type: number, streamId: number, payloadBytes: number): Buffer {
    const needed = frameHeaderBytes + payloadBytes;
    let slab = this.#slab;
    if (slab === null || this.#used + needed > slab.length) {
      if (slab !== null) this.#setAside(slab);
      slab = takeSlab(this.#options.slabBytes);
      this.#slab = slab;
      this.#used = 0;
    }
    putFrameHeader(slab, this.#used, type, payloadBytes, streamId);
    this.#used += frameHeaderBytes;
    return slab;
  }

  #setAside(slab: Buffer): void {
    this.#full.push({ slab, length: this.#used });
    if (this.#full.length * this.#options.slabBytes > this.#options.controlQueueMaxBytes) this.#options.onOverflow();
  }

  #flushSoon(): void {
    if (this.#isFlushSoon || this.isWriting || this.#isStopped) return;
    this.#isFlushSoon = true;
    setImmediate(this.#flush);
  }

  #flushNow(): void {
    this.#isFlushSoon = false;
    if (this.isWriting || this.#isStopped) return;
    if (this.#full.length === 0) this.#fill();
    const next = this.#full.shift();
    if (next !== undefined) {
      this.#write(next.slab, next.length);
    } else if (this.#slab !== null) {
      const slab = this.#slab;
      this.#slab = null;
      if (this.#used > 0) this.#write(slab, this.#used);
      else giveSlab(slab);
      this.#used = 0;
    }
  }

  #write(slab: Buffer, length: number): void {
    this.isWriting = true;
    this.#inFlight = slab;
    this.writtenBytes += length;
    this.#release();
    this.#options.socket.write(length === slab.length ? slab : slab.subarray(0, length), this.#written);
  }

  #release(): void {
    if (!this.#hasPayload) return;
    this.#hasPayload = false;
    this.#options.beforeRelease?.();
  }

  #writeDone(): void {
    if (this.#inFlight !== null && !this.#isStopped) giveSlab(this.#inFlight);
    this.#inFlight = null;
    this.isWriting = false;
    this.finishedWrites += 1;
    if (this.#slab !== null || this.#full.length > 0 || this.#fresh.length > 0 || this.#rotation.length > 0) this.#flushNow();
  }

  #openSlab(): Buffer {
    if (this.#slab === null) {
      this.#slab = takeSlab(this.#options.slabBytes);
      this.#used = 0;
    }
    return this.#slab;
  }

  /** Fills the slab in turns. Fresh streams go first but get half of it at most while others wait. */
  #fill(): void {
    if (this.#fresh.length === 0 && this.#rotation.length === 0) return;
    this.#openSlab();
    this.#takeTurns(Math.min(this.#options.slabFillBytes(), this.#options.slabBytes));
  }

  #takeTurns(limit: number): void {
    const fresh = this.#fresh;
    const rotation = this.#rotation;
    const freshUntil = this.#used + (limit - this.#used) / 2;
    const waiting = rotation.length;
    let freshAt = 0;
    let rotationAt = 0;
    while (limit - this.#used >= turnBytesMin) {
      const isFreshTurn = freshAt < fresh.length && (this.#used < freshUntil || rotationAt >= waiting);
      const stream = isFreshTurn ? fresh[freshAt] : rotation[rotationAt];
      if (stream === undefined) break;
      if (isFreshTurn) freshAt += 1;
      else rotationAt += 1;
      if (this.#turn(stream, limit)) rotation.push(stream);
    }
    this.#fresh = freshAt === fresh.length ? [] : fresh.slice(freshAt);
    this.#rotation = rotationAt === rotation.length ? [] : rotation.slice(rotationAt);
  }

  /** One frame of one stream. True when it has more to send and credit for it. */
  #turn(stream: MuxStream, limit: number): boolean {
    const slab = this.#slab;
    if ((stream.state & dead) !== 0 || slab === null) return false;
    const room = limit - this.#used - frameHeaderBytes * 2;
    const bytes = stream.mayMove(Math.min(stream.queueBytes, stream.sendCredit, dataPayloadMaxBytes, room));
    if (bytes > 0) {
      putFrameHeader(slab, this.#used, frameTypes.data, bytes, stream.id);
      this.#hasPayload = true;
      stream.take(slab, this.#used + frameHeaderBytes, bytes);
      this.#used += frameHeaderBytes + bytes;
    }
    const hasMore = stream.queueBytes > 0 && stream.sendCredit > 0 && (stream.state & stopped) === 0;
    if (!hasMore) stream.state &= ~queued;
    stream.afterTake();
    return hasMore;
  }
}
