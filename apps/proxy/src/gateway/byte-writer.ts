/**
 * Writes to a stream and waits while its buffer is full, with one 'drain' listener for the stream's whole life.
 *
 * A write to a broken stream answers false and nothing else happens. Limit: the stream's own high-water mark.
 */
import type { Duplex } from "node:stream";

export class ByteWriter {
  readonly #stream: Duplex;
  #wake: ((isWritable: boolean) => void) | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("drain", this.#onDrain);
    stream.on("close", this.#onClose);
  }

  readonly #onDrain = (): void => this.#settle(true);
  readonly #onClose = (): void => this.#settle(false);

  #settle(isWritable: boolean): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.(isWritable);
  }

  get isWritable(): boolean {
    return this.#stream.writable && !this.#stream.destroyed;
  }

  /** Resolves when there is room for more; false when the stream is gone. */
  write(bytes: Buffer | string): Promise<boolean> | boolean {
    if (!this.isWritable) return false;
    if (this.#stream.write(bytes, "latin1")) return true;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Takes the listeners away; the stream goes on living with somebody else. */
  release(): void {
    this.#stream.off("drain", this.#onDrain);
    this.#stream.off("close", this.#onClose);
    this.#settle(false);
  }
}
