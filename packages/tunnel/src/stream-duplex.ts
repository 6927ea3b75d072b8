/** A stream as a Node Duplex, for code that parses or transforms. Slower than `attach`; half-close is kept. */
import { Duplex } from "node:stream";
import { ignoreError } from "./sink.ts";
import type { Sink, SinkDriver } from "./types.ts";

export class StreamDuplex extends Duplex {
  /** The side that faces the tunnel. */
  readonly sink: Sink;
  readonly #stream: SinkDriver;
  #onRoom: (() => void) | null = null;

  constructor(stream: SinkDriver) {
    super({ allowHalfOpen: true, readableHighWaterMark: 65_536, writableHighWaterMark: 65_536, decodeStrings: true });
    this.#stream = stream;
    this.sink = new DuplexSink(this);
    this.on("error", ignoreError);
  }

  override _read(): void {
    this.#stream.drained();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#stream.push(chunk)) {
      done();
      return;
    }
    this.#onRoom = done;
    this.#stream.markPaused();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.fin();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#stream.isClosed) this.#stream.sinkClosed("cancelled");
    this.#onRoom = null;
    done(error);
  }

  hasRoom(): void {
    const onRoom = this.#onRoom;
    this.#onRoom = null;
    onRoom?.();
  }
}

class DuplexSink implements Sink {
  readonly #duplex: StreamDuplex;
  constructor(duplex: StreamDuplex) {
    this.#duplex = duplex;
  }
  get destroyed(): boolean {
    return this.#duplex.destroyed;
  }
  get writableLength(): number {
    return this.#duplex.readableLength;
  }
  write(chunk: Buffer): boolean {
    return this.#duplex.push(chunk);
  }
  cork(): void {
    // Readers of a Duplex are told once per turn anyway.
  }
  uncork(): void {
    // See cork.
  }
  end(): void {
    this.#duplex.push(null);
  }
  resume(): void {
    this.#duplex.hasRoom();
  }
  destroy(error?: Error): void {
    this.#duplex.destroy(error);
  }
}
