/**
 * Reads messages and bodies from a stream, one caller at a time, without losing a byte between them.
 *
 * Bytes that arrive before they are asked for wait here; at 64 KiB the stream is paused, so a fast peer fills its own
 * buffers and not ours. It installs one listener per event for the whole life of the stream and takes them away in
 * `release`. It never throws: a broken stream is an ended one.
 *
 * Limits: 64 KiB waiting plus one chunk; a message is bounded by the caller's `bytesMax`.
 */
import type { Feed } from "@karvon/wire";
import type { Duplex } from "node:stream";

export type Reading<Message> =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "malformed"; readonly reason: string }
  /** The stream ended before the message was whole; `hasBytes` tells half a message from silence. */
  | { readonly kind: "ended"; readonly hasBytes: boolean }
  | { readonly kind: "too-large" }
  | { readonly kind: "timeout"; readonly hasBytes: boolean };

const waitingBytesMax = 65_536;
const nothing = Buffer.alloc(0);

export class ByteReader {
  readonly #stream: Duplex;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isEnded = false;
  #isClean = false;
  #wake: (() => void) | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= waitingBytesMax) this.#stream.pause();
    this.#notify();
  };

  readonly #onEnd = (): void => {
    this.#isClean = true;
    this.#onClose();
  };

  readonly #onClose = (): void => {
    this.#isEnded = true;
    this.#notify();
  };

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The sender said that this is the end; a stream that just broke is ended but not clean. */
  get isCleanEnd(): boolean {
    return this.#isClean;
  }

  get hasBytes(): boolean {
    return this.#waitingBytes > 0;
  }

  /** Everything that waits, as one buffer; more may be asked for. */
  #peek(): Buffer {
    if (this.#waiting.length > 1) this.#waiting = [Buffer.concat(this.#waiting)];
    return this.#waiting[0] ?? nothing;
  }

  #take(): Buffer {
    const bytes = this.#peek();
    this.#waiting = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  #keep(rest: Buffer): void {
    this.#waiting = rest.length > 0 ? [rest] : [];
    this.#waitingBytes = rest.length;
    if (this.#waitingBytes < waitingBytesMax && this.#stream.isPaused()) this.#stream.resume();
  }

  /** False when `timeoutMs` passed first. */
  #moreArrived(timeoutMs: number | null): Promise<boolean> {
    if (this.#stream.isPaused()) this.#stream.resume();
    return new Promise((resolve) => {
      const timer =
        timeoutMs === null
          ? null
          : setTimeout(() => {
              this.#wake = null;
              resolve(false);
            }, timeoutMs);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** The first byte without taking it; null when the stream ends or `timeoutMs` passes before it comes. */
  async firstByte(timeoutMs: number): Promise<number | null> {
    while (this.#waitingBytes === 0) {
      if (this.#isEnded || !(await this.#moreArrived(timeoutMs))) return null;
    }
    return this.#peek()[0] ?? null;
  }

  /** One message from the front, as `parse` reads it. The whole message must come within `timeoutMs`. */
  async read<Message>(parse: (input: Buffer) => Feed<Message>, bytesMax: number, timeoutMs: number): Promise<Reading<Message>> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      if (this.#waitingBytes > 0) {
        const input = this.#peek();
        const feed = parse(input);
        if (feed.kind === "message") {
          this.#keep(input.subarray(feed.consumed));
          return { kind: "message", message: feed.message };
        }
        if (feed.kind === "malformed") return feed;
        if (input.length >= bytesMax) return { kind: "too-large" };
      }
      if (this.#isEnded) return { kind: "ended", hasBytes: this.hasBytes };
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || !(await this.#moreArrived(leftMs))) return { kind: "timeout", hasBytes: this.hasBytes };
    }
  }

  /** The next bytes, at most `bytesMax`; null at the end of the stream or after `timeoutMs` of silence. */
  async next(bytesMax: number, timeoutMs: number): Promise<Buffer | null> {
    while (this.#waitingBytes === 0) {
      if (this.#isEnded || !(await this.#moreArrived(timeoutMs))) return null;
    }
    const bytes = this.#take();
    if (bytes.length <= bytesMax) {
      this.#keep(nothing);
      return bytes;
    }
    this.#keep(bytes.subarray(bytesMax));
    return bytes.subarray(0, bytesMax);
  }

  /** Puts bytes back in front, for a parser that took too many. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#waiting.unshift(bytes);
    this.#waitingBytes += bytes.length;
  }

  /** Stops reading, pauses the stream and hands over what waits. The reader must not be used afterwards. */
  release(): Buffer {
    this.#stream.pause();
    this.#stream.off("data", this.#onData);
    this.#stream.off("end", this.#onEnd);
    this.#stream.off("close", this.#onClose);
    const rest = this.#take();
    // Whoever still waits for bytes here waits in vain.
    this.#onClose();
    return rest;
  }
}
