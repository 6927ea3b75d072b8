/**
 * One stream of a tunnel: two byte directions with their own credit, ended by half-closes or at once by a reset.
 *
 * Received bytes go to the sink at once; credit goes back to the peer when the sink has taken them, so a reader that
 * stalls holds at most its window and stops nobody else. Bytes to send wait in the stream's queue, and whoever makes
 * them is paused at 64 KB and resumed below 32 KB.
 * It writes no frames itself (its host does) and knows no targets.
 */
import { addressToBytes } from "@karvon/domain";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Allowance, type Mover, unlimited } from "./allowance.ts";
import { attachSocket } from "./attach.ts";
import { SendQueue } from "./send-queue.ts";
import { abortSink, closeFlushed, closeUnread, ignoreError } from "./sink.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import type { Connected, OpenHandlers, RstName, Sink, SinkDriver, StreamEnd, StreamMeter, TunnelLimits, TunnelStream } from "./types.ts";

/** Bits of `state`. Numbers instead of booleans keep a held session small. */
export const finSent = 1;
export const finReceived = 2;
export const dead = 4;
export const corked = 8;
/** In one of the transmitter's queues. */
export const queued = 16;
/** The source has ended; FIN follows the queue. */
export const wantsFin = 32;
export const paused = 64;
/** OPENED has not been sent or received. */
export const opening = 128;
/** The target ended its data and then reset: RST follows FIN. */
const wantsRst = 256;
/** Its allowance does not cover what it has: nothing is handed on in either direction. */
export const stopped = 512;

/** Above it a chunk is likely to be a part of something larger. */
const aloneBytesMax = 2_048;

/** What a stream needs of its tunnel. */
export interface StreamHost {
  readonly isGateway: boolean;
  readonly limits: TunnelLimits;
  /** See TunnelOptions. */
  readonly beforeRelease: (() => void) | null;
  /** The window that a stream with this one is to have from now on. */
  nextWindow(currentBytes: number): number;
  /** Counts up with every chunk from the peer. */
  readonly turn: number;
  /** Takes up to `bytes` from the credit that is left for all streams; answers how much. */
  takeCredit(bytes: number): number;
  giveCredit(bytes: number): void;
  /** So many more bytes wait for a reader. */
  noteHeld(bytes: number): void;
  sendWindow(stream: MuxStream, bytes: number): void;
  /** `isAwaited`: the other side has something left to do or to say. */
  sendFin(streamId: number, isAwaited: boolean): void;
  sendRst(streamId: number, code: RstName): void;
  sendOpened(streamId: number, window: number, connected: Connected): void;
  /** Frames a chunk that fits one frame at once when nobody waits; false when it has to be queued. */
  sendNow(stream: MuxStream, chunk: Buffer): boolean;
  /** The stream has bytes and credit and stands in no queue. */
  queue(stream: MuxStream): void;
  /** The stream was corked and wants to be uncorked at the end of this turn. */
  uncorkSoon(stream: MuxStream): void;
  /** The stream is dead; `unusedCredit` is what the peer may still send without breaking a rule. */
  forget(stream: MuxStream, unusedCredit: number): void;
  /** Everybody who cared has been told of an end. */
  afterEnd(): void;
}

export class MuxStream implements TunnelStream, SinkDriver, Mover {
  readonly id: number;
  state = opening;
  /** Bytes that the peer lets us send. */
  sendCredit = 0;
  /** Bytes that the peer may still send. */
  receiveCredit: number;
  /** What the peer may have on the way at once; `receiveCredit`, `#owed` and `#held` are parts of it. */
  window: number;
  sentBytes = 0;
  sink: Sink | null = null;
  meter: StreamMeter | null = null;
  /** Sampling round in which credit was last granted. */
  busyRound = -1;
  handlers: OpenHandlers | null = null;
  allowance: Allowance = unlimited;
  readonly #host: StreamHost;
  /** Made when something has to wait: most streams never need it. */
  #queue: SendQueue | null = null;
  #receivedBytes = 0;
  /** Consumed by the sink and not yet granted again. */
  #owed = 0;
  /** Written to the sink, which asked to wait. */
  #held = 0;
  /** Received and not handed on: there is no sink yet, or the stream is stopped. */
  #early: Buffer[] | null = null;
  #deliveredTurn = -1;
  #endListener: ((end: StreamEnd) => void) | null = null;

  constructor(host: StreamHost, id: number, window: number) {
    this.#host = host;
    this.id = id;
    this.window = window;
    this.receiveCredit = host.isGateway ? window : 0;
  }

  get upBytes(): number {
    return this.#host.isGateway ? this.sentBytes : this.#receivedBytes;
  }

  get downBytes(): number {
    return this.#host.isGateway ? this.#receivedBytes : this.sentBytes;
  }

  get queueBytes(): number {
    return this.#queue === null ? 0 : this.#queue.bytes;
  }

  get heldBytes(): number {
    let early = 0;
    if (this.#early !== null) for (const chunk of this.#early) early += chunk.length;
    const { sink } = this;
    return this.queueBytes + (sink?.writableLength ?? this.#held) + (sink?.readableLength ?? 0) + early;
  }

  get isClosed(): boolean {
    return (this.state & dead) !== 0;
  }

  onEnd(listener: (end: StreamEnd) => void): void {
    this.#endListener = listener;
  }

  opened(connected: Connected): void {
    if (this.#host.isGateway || (this.state & (dead | opening)) !== opening) return;
    if (addressToBytes(connected.address) === null) {
      this.reset("policy");
      return;
    }
    this.state &= ~opening;
    this.receiveCredit = this.window;
    this.#host.sendOpened(this.id, this.window, connected);
    this.#sendWhatWaited();
  }

  attach(socket: Duplex, head?: Buffer): void {
    if (this.isClosed) {
      socket.on("error", ignoreError);
      abortSink(socket, "the stream has ended");
      return;
    }
    if (head !== undefined && head.length > 0) this.push(head);
    attachSocket(this, socket);
  }

  toDuplex(): Duplex {
    const duplex = new StreamDuplex(this);
    if (this.isClosed) duplex.destroy(new Error("the stream has ended"));
    else this.useSink(duplex.sink);
    return duplex;
  }

  connectSink(sink: Sink): SinkDriver {
    if (this.isClosed) abortSink(sink, "the stream has ended");
    else this.useSink(sink);
    return this;
  }

  spendFrom(allowance: Allowance): void {
    this.allowance = allowance;
  }

  /** Gives the sink what has arrived so far; everything later goes to it at once. */
  useSink(sink: Sink): void {
    this.sink = sink;
    this.#handOnEarly(sink);
  }

  get isOnGateway(): boolean {
    return this.#host.isGateway;
  }

  isSendQueueFull(): boolean {
    return this.queueBytes >= this.#host.limits.pauseAtBytes;
  }

  /** Whoever fills the queue has stopped and waits for the sink's `resume`. */
  markPaused(): void {
    this.state |= paused;
  }

  // Receiving

  payload(chunk: Buffer): void {
    const { sink } = this;
    if (sink !== null && this.#early === null && this.allowance.left >= chunk.length) {
      this.#handOn(sink, chunk);
      return;
    }
    (this.#early ??= []).push(chunk);
    this.#host.noteHeld(chunk.length);
    if (sink !== null && (this.state & stopped) === 0) this.#handOnEarly(sink);
  }

  #handOn(sink: Sink, chunk: Buffer): void {
    this.allowance.left -= chunk.length;
    this.#receivedBytes += chunk.length;
    this.meter?.moved();
    this.#deliver(sink, chunk);
  }

  /** What waits, as far as the allowance goes, and behind the last byte the end. */
  #handOnEarly(sink: Sink): void {
    const early = this.#early ?? [];
    while (early.length > 0) if (!this.#handOnFirst(sink, early)) return;
    this.#early = null;
    if ((this.state & finReceived) === 0) return;
    this.#endSink(sink);
    this.#settle();
  }

  /** False when a part of it waits on, or the stream has ended meanwhile. */
  #handOnFirst(sink: Sink, early: Buffer[]): boolean {
    const [chunk] = early;
    if (chunk === undefined) return false;
    const bytes = this.mayMove(chunk.length);
    const isWhole = bytes === chunk.length;
    if (isWhole) early.shift();
    else early[0] = chunk.subarray(bytes);
    if (bytes > 0) this.#handOn(sink, isWhole ? chunk : chunk.subarray(0, bytes));
    return isWhole && !this.isClosed;
  }

  /** A small chunk that comes alone is written at once; what may be followed by more is collected until the end of the turn. */
  #deliver(sink: Sink, chunk: Buffer): void {
    const isFree = this.#host.beforeRelease === null;
    const isAlone = isFree && chunk.length <= aloneBytesMax && this.#deliveredTurn !== this.#host.turn;
    this.#deliveredTurn = this.#host.turn;
    if (!isAlone && (this.state & corked) === 0) {
      this.state |= corked;
      sink.cork();
      this.#host.uncorkSoon(this);
    }
    if (sink.write(chunk)) this.#consumed(chunk.length);
    else {
      this.#held += chunk.length;
      this.#host.noteHeld(chunk.length);
    }
  }

  /** The sink has taken everything that it was given. */
  drained(): void {
    const held = this.#held;
    if (held === 0) return;
    this.#held = 0;
    this.#consumed(held);
  }

  /** Grants credit in steps of half a window, and moves the window towards the tunnel's target on the way. */
  #consumed(bytes: number): void {
    this.#owed += bytes;
    const target = Math.min(this.#host.nextWindow(this.window), this.allowance.windowMax);
    // Half a window at a time, and at once what a window has grown by as much as itself.
    const isDue = this.#owed * 2 >= this.window || target >= this.window * 2;
    if (!isDue || (this.state & (finReceived | dead)) !== 0) return;
    let grant = this.#owed;
    if (target > this.window) {
      const grown = this.#host.takeCredit(target - this.window);
      this.window += grown;
      grant += grown;
    } else if (target < this.window) {
      const shrunk = Math.min(this.window - target, grant);
      this.#host.giveCredit(shrunk);
      this.window -= shrunk;
      grant -= shrunk;
    }
    this.#owed = 0;
    if (grant === 0) return;
    this.receiveCredit += grant;
    this.#host.sendWindow(this, grant);
  }

  uncork(): void {
    if ((this.state & corked) === 0) return;
    this.state &= ~corked;
    this.#host.beforeRelease?.();
    this.sink?.uncork();
  }

  finArrived(): void {
    this.state |= finReceived;
    if (this.sink !== null && this.#early === null) this.#endSink(this.sink);
    this.#settle();
  }

  #endSink(sink: Sink): void {
    this.uncork();
    sink.end();
  }

  // Moving

  /** How many of `bytes` the allowance covers now. When not all, the stream is stopped until it covers more. */
  mayMove(bytes: number): number {
    if (this.allowance.left >= bytes || bytes <= 0) return bytes;
    if ((this.state & stopped) !== 0) return 0;
    const covered = this.allowance.cover(bytes, this);
    if (covered < bytes) this.state |= stopped;
    return covered;
  }

  resumeMoving(): void {
    if (this.isClosed) return;
    this.state &= ~stopped;
    if (this.sink !== null && this.#early !== null) this.#handOnEarly(this.sink);
    if (!this.isClosed) this.#sendWhatWaited();
  }

  // Sending

  /** Takes a copy of `chunk`. False asks the caller to stop until the sink's `resume` is called. */
  push(chunk: Buffer): boolean {
    if ((this.state & (dead | finSent | wantsFin)) !== 0 || chunk.length === 0) return true;
    const mayQueue = (this.state & (queued | opening | stopped)) === 0 && this.sendCredit > 0;
    if (mayQueue && this.queueBytes === 0 && this.#host.sendNow(this, chunk)) return true;
    this.#queue ??= new SendQueue();
    this.#queue.push(chunk);
    this.#host.noteHeld(chunk.length);
    if (mayQueue) this.#host.queue(this);
    return this.#queue.bytes < this.#host.limits.pauseAtBytes;
  }

  /** Counts payload that goes into a frame now. */
  countSent(bytes: number): void {
    this.sendCredit -= bytes;
    this.sentBytes += bytes;
    this.allowance.left -= bytes;
    this.meter?.moved();
  }

  /** Copies `bytes` queued bytes to `into` and counts them as sent. */
  take(into: Buffer, at: number, bytes: number): void {
    this.#queue?.take(into, at, bytes);
    this.countSent(bytes);
  }

  /** After a turn of the transmitter: says what the queue has been holding back. */
  afterTake(): void {
    if (this.queueBytes === 0 && (this.state & wantsFin) !== 0) this.fin();
    if ((this.state & paused) !== 0 && this.queueBytes < this.#host.limits.resumeBelowBytes) {
      this.state &= ~paused;
      this.sink?.resume();
    }
  }

  /** Half-closes our direction once everything queued is sent. */
  fin(): void {
    if ((this.state & (finSent | dead)) !== 0) return;
    if (this.queueBytes > 0 || (this.state & opening) !== 0) {
      this.state |= wantsFin;
      return;
    }
    this.state = (this.state & ~wantsFin) | finSent;
    // A target that has ended waits for nothing any more; a client that has ended may wait for its answer's end.
    this.#host.sendFin(this.id, !this.#host.isGateway || (this.state & finReceived) === 0);
    this.#settle();
    if ((this.state & wantsRst) !== 0) this.reset("targetReset");
  }

  addCredit(bytes: number): void {
    this.sendCredit += bytes;
    if (this.queueBytes > 0 && (this.state & (queued | dead | opening | stopped)) === 0) this.#host.queue(this);
  }

  /** The target is connected (gateway side): what was queued may go. */
  openedArrived(connected: Connected, window: number): void {
    this.state &= ~opening;
    this.sendCredit += window;
    this.#sendWhatWaited();
    const handlers = this.handlers;
    this.handlers = null;
    if (handlers?.onEnd !== undefined) this.#endListener ??= (end) => handlers.onEnd?.(end);
    handlers?.onOpened(connected);
  }

  #sendWhatWaited(): void {
    if (this.queueBytes > 0 && this.sendCredit > 0 && (this.state & (queued | stopped)) === 0) this.#host.queue(this);
    if (this.queueBytes === 0 && (this.state & wantsFin) !== 0) this.fin();
  }

  // Ending

  /**
   * The sink is gone. What it handed over before a clean end still goes out: on a node always (a server that answers
   * and slams the door), on a gateway only when the other direction has ended too (nobody is there to read the rest).
   * A node then says at once behind it that nobody takes what the client still sends.
   */
  sinkClosed(code: RstName): void {
    const hasEnded = (this.state & (wantsFin | finSent)) !== 0;
    const isPeerDone = (this.state & finReceived) !== 0;
    if (!hasEnded || (this.#host.isGateway && !isPeerDone)) this.reset(code);
    else if (!isPeerDone) this.#resetBehindFin();
  }

  #resetBehindFin(): void {
    this.state |= wantsRst;
    if ((this.state & finSent) !== 0) this.reset("targetReset");
  }

  reset(code: RstName): void {
    if (this.isClosed) return;
    this.#host.sendRst(this.id, code);
    this.end({ kind: "reset", by: "here", code });
  }

  #settle(): void {
    const both = finSent | finReceived;
    if ((this.state & both) === both && this.#early === null && !this.isClosed) this.end({ kind: "finished" });
  }

  /** Every end comes through here once. */
  end(how: StreamEnd): void {
    if (this.isClosed) return;
    const wasOpening = (this.state & opening) !== 0;
    const isWhole = this.#isWholeBefore(how);
    this.uncork();
    this.state |= dead;
    this.#queue?.clear();
    this.#queue = null;
    this.#early = null;
    this.#host.forget(this, how.kind === "reset" && how.by === "here" ? this.receiveCredit : 0);
    const { sink } = this;
    // Whoever still counts this stream's bytes must not keep its socket.
    this.sink = null;
    if (how.kind === "finished") closeUnread(sink, this.#host.limits.lingerMs);
    else if (sink !== null) this.#breakOff(sink, how, isWhole);
    const handlers = this.handlers;
    const listener = this.#endListener;
    this.handlers = null;
    this.#endListener = null;
    if (wasOpening && handlers !== null) tellRefused(handlers, how);
    listener?.(how);
    handlers?.onEnd?.(how);
    this.#host.afterEnd();
  }

  /** What came before the peer's FIN and was handed on is whole: a reset behind it must not destroy it on its way to the reader. */
  #isWholeBefore(how: StreamEnd): boolean {
    return how.kind === "reset" && how.by === "peer" && (this.state & finReceived) !== 0 && this.#early === null;
  }

  #breakOff(sink: Sink, how: Exclude<StreamEnd, { kind: "finished" }>, isWhole: boolean): void {
    if (isWhole && sink instanceof Socket) closeFlushed(sink, this.#host.limits.lingerMs);
    else abortSink(sink, describe(how));
  }
}

function tellRefused(handlers: OpenHandlers, how: StreamEnd): void {
  if (how.kind === "reset" && how.by === "peer") handlers.onRefused(how.code);
  else if (how.kind === "lost") handlers.onRefused("lost");
  else if (how.kind === "finished") handlers.onRefused("protocol");
}

function describe(how: StreamEnd): string {
  return how.kind === "reset" ? `the stream was reset: ${how.code}` : "the tunnel was lost";
}
