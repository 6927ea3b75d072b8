/**
 * The streams of one simulated process: real ones of the tunnel, between a node and a client that are only numbers.
 *
 * As in a tunnel, what a turn has counted leaves at its end, behind `beforeRelease`.
 */
import { type Connected, defaultLimits, type Sink } from "@karvon/tunnel";
import { type MuxStream, queued, type StreamHost } from "../../../../../packages/tunnel/src/stream.ts";

export type StreamClass = typeof MuxStream;

const connected: Connected = { address: "203.0.113.80", family: 4, connectMs: 20 };
/** The peer is never the one that waits. */
const plenty = 2 ** 40;

export interface StreamDeskOptions {
  readonly beforeRelease: () => void;
  /** Runs `run` at the end of this turn. */
  readonly soon: (run: () => void) => void;
  readonly isDead: () => boolean;
  readonly streamClass: StreamClass;
}

export class SimulatedStream {
  readonly stream: MuxStream;
  readonly client: ClientEnd;
  /** Payload that has left for the node. */
  sentBytes = 0;

  constructor(stream: MuxStream, client: ClientEnd) {
    this.stream = stream;
    this.client = client;
  }

  /** In somebody's hands: what must be billed. */
  get releasedBytes(): number {
    return this.sentBytes + this.client.receivedBytes;
  }

  /** What may be billed. */
  get countedBytes(): number {
    return this.stream.upBytes + this.stream.downBytes;
  }
}

export class StreamDesk implements StreamHost {
  readonly isGateway = true;
  readonly limits = defaultLimits;
  readonly beforeRelease: () => void;
  turn = 0;
  readonly #options: StreamDeskOptions;
  readonly #byStream = new Map<MuxStream, SimulatedStream>();
  #lastId = 0;
  #corked: MuxStream[] = [];
  #sending: MuxStream[] = [];
  #isEnding = false;

  constructor(options: StreamDeskOptions) {
    this.#options = options;
    this.beforeRelease = options.beforeRelease;
  }

  open(): SimulatedStream {
    this.#lastId += 1;
    const stream = new this.#options.streamClass(this, this.#lastId, defaultLimits.startWindowBytes);
    const client = new ClientEnd(this.#options.isDead);
    const opened = new SimulatedStream(stream, client);
    this.#byStream.set(stream, opened);
    stream.openedArrived(connected, plenty);
    stream.connectSink(client);
    return opened;
  }

  uncorkSoon(stream: MuxStream): void {
    this.#corked.push(stream);
    this.#endSoon();
  }

  queue(stream: MuxStream): void {
    stream.state |= queued;
    this.#sending.push(stream);
    this.#endSoon();
  }

  sendNow(): boolean {
    return false;
  }

  nextWindow(currentBytes: number): number {
    return currentBytes;
  }

  takeCredit(): number {
    return 0;
  }

  forget(stream: MuxStream): void {
    this.#byStream.delete(stream);
  }

  giveCredit(): void {}
  noteHeld(): void {}
  sendWindow(): void {}
  sendFin(): void {}
  sendRst(): void {}
  sendOpened(): void {}
  afterEnd(): void {}

  #endSoon(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#options.soon(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#isEnding = false;
    this.turn += 1;
    const corked = this.#corked;
    const sending = this.#sending;
    this.#corked = [];
    this.#sending = [];
    for (const stream of corked) stream.uncork();
    const sent = sending.map((stream) => this.#frame(stream));
    this.beforeRelease();
    if (this.#options.isDead()) return;
    for (const release of sent) release();
  }

  /** Counts what a frame takes; the answer lets it leave. */
  #frame(stream: MuxStream): () => void {
    const opened = this.#byStream.get(stream);
    stream.state &= ~queued;
    const bytes = opened === undefined ? 0 : stream.mayMove(stream.queueBytes);
    if (opened === undefined || bytes === 0) return () => undefined;
    stream.take(Buffer.allocUnsafe(bytes), 0, bytes);
    stream.afterTake();
    return () => (opened.sentBytes += bytes);
  }
}

/** A client's socket, as far as a stream uses it. */
class ClientEnd implements Sink {
  destroyed = false;
  receivedBytes = 0;
  readonly #isDead: () => boolean;
  #isCorked = false;
  #corkedBytes = 0;

  constructor(isDead: () => boolean) {
    this.#isDead = isDead;
  }

  write(chunk: Buffer): boolean {
    this.#corkedBytes += chunk.length;
    if (!this.#isCorked) this.#pass();
    return true;
  }

  cork(): void {
    this.#isCorked = true;
  }

  uncork(): void {
    this.#isCorked = false;
    this.#pass();
  }

  end(): void {
    this.uncork();
  }

  resume(): void {}

  destroy(): void {
    this.destroyed = true;
  }

  /** A dead process passes nothing on. */
  #pass(): void {
    if (!this.destroyed && !this.#isDead()) this.receivedBytes += this.#corkedBytes;
    this.#corkedBytes = 0;
  }
}
