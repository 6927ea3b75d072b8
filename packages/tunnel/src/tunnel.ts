/**
 * The multiplexer: many streams over one TLS connection between gateway and node.
 *
 * It keeps order within a stream and fairness between streams, gives every stream its own back-pressure, notices a
 * peer that is gone, and ends the connection at the first frame that breaks a rule. Losing the connection ends every
 * stream as "lost"; nothing is moved or repeated. It does not authenticate (control frames are handed on), does not
 * choose nodes and does not judge targets.
 *
 * Limits stand in `limits.ts`. Worst case of memory held for a peer: openCreditMaxBytes plus minWindowBytes for each
 * stream beyond, and pauseAtBytes plus one chunk for each stream to send.
 */
import {
  decodeGoAway,
  decodeControl,
  decodeOpen,
  decodeOpened,
  encodeControl,
  encodeGoAway,
  encodeOpen,
  encodeOpened,
  FrameReader,
  type FrameSink,
  frameTypes,
} from "@karvon/wire";
import type { ControlPayloads, ControlType } from "@karvon/wire";
import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import { goAwayName, rstName } from "./codes.ts";
import { defaultLimits, nodeLimits } from "./limits.ts";
import { Probe } from "./probe.ts";
import { dead, finReceived, MuxStream, opening, type StreamHost } from "./stream.ts";
import { Transmitter } from "./transmitter.ts";
import {
  type Connected,
  type GoAwayName,
  goAwayReasons,
  type MemoryPressure,
  type OpenHandlers,
  rstCodes,
  type RstName,
  type Target,
  type Tunnel,
  type TunnelEnd,
  type TunnelLimits,
  type TunnelOptions,
  type TunnelStream,
} from "./types.ts";
import { WindowPacer } from "./window-pacer.ts";

const creditMax = 0x7fff_ffff;
const closeWithinMs = 1_000;
const noPressure: MemoryPressure = { isHigh: false, noteHeld: () => undefined };

/** Starts the protocol on a connected socket. The socket must not have a 'data' listener of somebody else. */
export function createTunnel(options: TunnelOptions): Tunnel {
  return new MuxTunnel(options);
}

class MuxTunnel implements Tunnel, StreamHost, FrameSink {
  readonly isGateway: boolean;
  readonly limits: TunnelLimits;
  readonly beforeRelease: (() => void) | null;
  lateBytes = 0;
  turn = 0;
  readonly #options: TunnelOptions;
  readonly #socket: Duplex;
  readonly #pressure: Readonly<MemoryPressure>;
  readonly #streams = new Map<number, MuxStream>();
  readonly #reader = new FrameReader(this);
  readonly #pacer: WindowPacer;
  readonly #probe: Probe;
  readonly #out: Transmitter;
  /** Highest id that was opened on this connection, by whichever side opens. */
  #lastStreamId = 0;
  #current: MuxStream | null = null;
  /**
   * Payload that the peer may still send for streams that we have reset; it is thrown away. Each of at most 2^30 streams adds
   * its window once, so it stays a whole number, and what the peer sends late it cannot send again.
   */
  #lateCredit = 0;
  #openCredit = 0;
  #chunkPayload = 0;
  #corked: MuxStream[] = [];
  #isUncorkSoon = false;
  #isDraining = false;
  #peerDrains = false;
  #drainTimer: NodeJS.Timeout | null = null;
  #end: TunnelEnd | null = null;

  constructor(options: TunnelOptions) {
    this.#options = options;
    this.isGateway = options.role === "gateway";
    this.limits = { ...(this.isGateway ? defaultLimits : nodeLimits), ...options.limits };
    this.beforeRelease = options.beforeRelease ?? null;
    this.#socket = options.socket;
    this.#pressure = options.pressure ?? noPressure;
    this.#pacer = new WindowPacer(this.limits);
    this.#out = new Transmitter({
      socket: options.socket,
      slabBytes: this.limits.slabBytes,
      controlQueueMaxBytes: this.limits.controlQueueMaxBytes,
      slabFillBytes: () => (this.#pacer.hasQueue ? this.limits.slowSlabBytes : this.limits.slabBytes),
      onOverflow: () => this.#finish("stalled", "the peer does not read its control frames"),
      beforeRelease: this.beforeRelease,
    });
    this.#probe = new Probe({
      limits: this.limits,
      pacer: this.#pacer,
      sendPing: (token) => this.#out.frame32(frameTypes.ping, 0, token),
      onDead: (kind, detail) => this.#finish(kind, detail),
      writtenBytes: () => this.#out.writtenBytes,
      writeInProgress: () => (this.#out.isWriting ? this.#out.finishedWrites : null),
    });
    if (this.#socket instanceof Socket) this.#socket.setNoDelay(true);
    this.#listen();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    socket.on("end", () => this.#finish("peer-closed", "the peer ended the connection"));
    socket.on("error", (cause) => this.#finish("error", cause.message));
    socket.on("close", () => this.#finish("peer-closed", "the connection closed"));
    if (socket.destroyed) setImmediate(() => this.#finish("peer-closed", "the connection was closed before the start"));
    socket.resume();
  }

  // What others ask of a tunnel

  get rttMs(): number | null {
    return this.#pacer.rttMs;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  get mayOpen(): boolean {
    return (
      this.isGateway &&
      this.#end === null &&
      !this.#isDraining &&
      !this.#peerDrains &&
      this.#streams.size < this.limits.streamsMax &&
      this.#lastStreamId < creditMax - 2
    );
  }

  open(target: Target, handlers: OpenHandlers): TunnelStream {
    if (!this.mayOpen) throw new Error("the tunnel takes no new streams");
    const id = this.#lastStreamId === 0 ? 1 : this.#lastStreamId + 2;
    const window = this.#startWindow();
    const payload = encodeOpen({ window, host: target.host, port: target.port });
    const stream = this.#addStream(id, window);
    stream.handlers = handlers;
    this.#out.frame(frameTypes.open, id, payload);
    return stream;
  }

  sendControl<Type extends ControlType>(type: Type, payload: ControlPayloads[Type]): void {
    if (this.#end === null) this.#out.frame(frameTypes[type], 0, encodeControl(type, payload));
  }

  redial(): void {
    if (this.#end === null && this.isGateway) this.#out.frame0(frameTypes.redial, 0);
  }

  goAway(reason: GoAwayName): void {
    if (this.#end !== null || this.#isDraining) return;
    this.#isDraining = true;
    this.#sendGoAway(reason);
    this.#drainTimer = setTimeout(() => this.#finish("drained", "the time for draining is over"), this.limits.drainMs);
    this.#drainTimer.unref();
    this.#finishWhenDrained();
  }

  close(): void {
    this.#finish("closed", "closed here");
  }

  // What a stream asks of its tunnel

  nextWindow(currentBytes: number): number {
    const bytes = this.#pacer.nextWindow(currentBytes);
    return this.#pressure.isHigh ? Math.min(bytes, this.limits.tightWindowBytes) : bytes;
  }

  takeCredit(bytes: number): number {
    const taken = Math.min(bytes, Math.max(0, this.limits.openCreditMaxBytes - this.#openCredit));
    this.#openCredit += taken;
    return taken;
  }

  giveCredit(bytes: number): void {
    this.#openCredit -= bytes;
  }

  noteHeld(bytes: number): void {
    this.#pressure.noteHeld(bytes);
  }

  sendWindow(stream: MuxStream, bytes: number): void {
    this.#out.frame32(frameTypes.window, stream.id, bytes);
    if (stream.busyRound === this.#probe.round) return;
    stream.busyRound = this.#probe.round;
    this.#probe.streamIsBusy();
  }

  sendFin(streamId: number, isAwaited: boolean): void {
    if (isAwaited) this.#out.frame0(frameTypes.fin, streamId);
    else this.#out.lateFrame0(frameTypes.fin, streamId);
  }

  sendRst(streamId: number, code: RstName): void {
    if (this.#end === null) this.#out.frame8(frameTypes.rst, streamId, rstCodes[code]);
  }

  sendOpened(streamId: number, window: number, connected: Connected): void {
    this.#out.frame(frameTypes.opened, streamId, encodeOpened({ window, connectMs: connected.connectMs, address: connected.address }));
  }

  sendNow(stream: MuxStream, chunk: Buffer): boolean {
    return this.#out.sendNow(stream, chunk);
  }

  queue(stream: MuxStream): void {
    this.#out.queue(stream);
  }

  uncorkSoon(stream: MuxStream): void {
    this.#corked.push(stream);
    if (this.#isUncorkSoon) return;
    this.#isUncorkSoon = true;
    setImmediate(this.#uncorkAll);
  }

  forget(stream: MuxStream, unusedCredit: number): void {
    this.#openCredit -= stream.window;
    this.#lateCredit += unusedCredit;
    this.#streams.delete(stream.id);
  }

  afterEnd(): void {
    this.#finishWhenDrained();
  }

  #addStream(id: number, window: number): MuxStream {
    const stream = new MuxStream(this, id, window);
    this.#openCredit += window;
    this.#lastStreamId = id;
    this.#streams.set(id, stream);
    return stream;
  }

  #startWindow(): number {
    const { minWindowBytes, startWindowBytes, firstCreditBytes, openCreditMaxBytes } = this.limits;
    const isRoomy = this.#openCredit + startWindowBytes <= openCreditMaxBytes / 2;
    if (this.#pressure.isHigh || !isRoomy) return minWindowBytes;
    return Math.max(startWindowBytes, firstCreditBytes - this.#openCredit);
  }

  // Receiving

  #onChunk(chunk: Buffer): void {
    if (this.#end !== null) return;
    this.#chunkPayload = 0;
    this.turn += 1;
    this.#reader.push(chunk);
    if (this.#reader.violation !== null) this.#violate(this.#reader.violation);
    if (this.#end !== null) return;
    this.#probe.heard(this.#chunkPayload);
  }

  readonly #uncorkAll = (): void => {
    this.#isUncorkSoon = false;
    const corked = this.#corked;
    this.#corked = [];
    for (const stream of corked) stream.uncork();
  };

  dataStart(streamId: number, length: number): void {
    const stream = this.#streams.get(streamId);
    this.#current = stream ?? null;
    if (stream === undefined) {
      this.lateBytes += length;
      this.#lateCredit -= length;
      if (!this.#wasOpened(streamId)) this.#reader.fail("data-for-unopened-stream");
      else if (this.#lateCredit < 0) this.#reader.fail("data-after-end");
      return;
    }
    if ((stream.state & (finReceived | opening)) !== 0) this.#reader.fail("data-out-of-place");
    else if (length > stream.receiveCredit) this.#reader.fail("data-over-window");
    stream.receiveCredit -= length;
  }

  dataChunk(chunk: Buffer): void {
    const stream = this.#current;
    if (stream === null || (stream.state & dead) !== 0) return;
    this.#chunkPayload += chunk.length;
    stream.payload(chunk);
  }

  frame(type: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) this.#streamFrame(type, streamId, bytes, start, end);
    else if (type === frameTypes.ping) this.#out.frame32(frameTypes.pong, 0, bytes.readUInt32BE(start));
    else if (type === frameTypes.pong) this.#probe.pong(bytes.readUInt32BE(start));
    else if (type === frameTypes.goAway) this.#goAwayArrived(bytes, start, end);
    else if (type === frameTypes.redial) this.#redialArrived();
    else this.#controlArrived(type, bytes.subarray(start, end));
  }

  #streamFrame(type: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameTypes.open) {
      this.#openArrived(streamId, bytes, start, end);
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (!this.#wasOpened(streamId)) this.#reader.fail("frame-for-unopened-stream");
      return;
    }
    if (type === frameTypes.rst) stream.end({ kind: "reset", by: "peer", code: rstName(bytes.readUInt8(start)) });
    else if (type === frameTypes.opened) this.#openedArrived(stream, bytes, start, end);
    else if ((stream.state & opening) !== 0) this.#reader.fail("frame-before-opened");
    else if (type === frameTypes.window) this.#windowArrived(stream, bytes.readUInt32BE(start));
    else if ((stream.state & finReceived) !== 0) this.#reader.fail("second-fin");
    else stream.finArrived();
  }

  #wasOpened(streamId: number): boolean {
    return streamId % 2 === 1 && streamId <= this.#lastStreamId;
  }

  #windowArrived(stream: MuxStream, bytes: number): void {
    if (bytes === 0 || stream.sendCredit + bytes > creditMax) this.#reader.fail("bad-window");
    else stream.addCredit(bytes);
  }

  #openArrived(streamId: number, bytes: Buffer, start: number, end: number): void {
    const open = decodeOpen(bytes, start, end);
    if (this.isGateway || open === null || open.window > creditMax) {
      this.#reader.fail("bad-open");
      return;
    }
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId) {
      this.#reader.fail("bad-stream-id");
      return;
    }
    const onOpen = this.#options.onOpen;
    if (this.#streams.size >= this.limits.streamsMax || this.#isDraining || onOpen === undefined) {
      this.#lastStreamId = streamId;
      this.sendRst(streamId, this.#isDraining ? "ownerStopped" : "busy");
      return;
    }
    const stream = this.#addStream(streamId, this.#startWindow());
    stream.sendCredit = open.window;
    onOpen(stream, { host: open.host, port: open.port });
  }

  #openedArrived(stream: MuxStream, bytes: Buffer, start: number, end: number): void {
    const opened = decodeOpened(bytes, start, end);
    if (!this.isGateway || opened === null || opened.window > creditMax || (stream.state & opening) === 0) {
      this.#reader.fail("bad-opened");
      return;
    }
    stream.openedArrived({ address: opened.address, family: opened.family, connectMs: opened.connectMs }, opened.window);
  }

  #controlArrived(type: number, payload: Buffer): void {
    const message = decodeControl(type, payload);
    if (message === null) this.#reader.fail("bad-control");
    else this.#options.onControl?.(message);
  }

  /** A frame that may be skipped: a gateway, to which it means nothing, skips it. */
  #redialArrived(): void {
    if (!this.isGateway) this.#options.onRedial?.();
  }

  #goAwayArrived(bytes: Buffer, start: number, end: number): void {
    const goAway = decodeGoAway(bytes, start, end);
    if (goAway === null) return;
    if (goAway.reason === goAwayReasons.protocol) {
      this.#finish("protocol", "the peer reports a violation");
      return;
    }
    this.#peerDrains = true;
    if (this.isGateway) {
      for (const stream of this.#streams.values()) if (stream.id > goAway.lastStreamId) stream.end({ kind: "lost" });
    }
    this.#options.onGoAway?.(goAwayName(goAway.reason));
    this.#finishWhenDrained();
  }

  // Ending

  #sendGoAway(reason: GoAwayName): void {
    this.#out.frame(frameTypes.goAway, 0, encodeGoAway({ lastStreamId: this.#lastStreamId, reason: goAwayReasons[reason] }));
  }

  #violate(detail: string): void {
    if (this.#end !== null) return;
    this.#sendGoAway("protocol");
    this.#finish("protocol", detail);
  }

  #finishWhenDrained(): void {
    if ((this.#isDraining || this.#peerDrains) && this.#streams.size === 0 && this.#end === null)
      this.#finish("drained", "no stream is left");
  }

  /** Every end comes through here once: streams first, then the connection. */
  #finish(kind: TunnelEnd["kind"], detail: string): void {
    if (this.#end !== null) return;
    const end = { kind, detail };
    this.#end = end;
    // What is left of the chunk that is being read belongs to nobody now.
    this.#reader.fail("closed");
    this.#probe.close();
    if (this.#drainTimer !== null) clearTimeout(this.#drainTimer);
    for (const stream of this.#streams.values()) stream.end({ kind: "lost" });
    this.#closeSocket(kind);
    this.#options.onClose?.(end);
  }

  #closeSocket(kind: TunnelEnd["kind"]): void {
    const socket = this.#socket;
    if (socket.destroyed || kind === "silent" || kind === "stalled" || kind === "error") {
      this.#out.stop();
      socket.destroy();
      return;
    }
    this.#out.finish();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), closeWithinMs);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
  }
}
