/**
 * Counts a message body to its end as its bytes pass (RFC 9112, section 6.3). It copies and changes nothing.
 *
 * A chunked body is checked on the way; the first thing that is wrong with it is final.
 */
import { type ChunkedScanner, createChunkedScanner } from "./chunked-scanner.ts";
import type { BodyFraming } from "./types.ts";

export class BodyScanner {
  /** Nothing that follows belongs to the body. Never true for a body that ends by closing. */
  isComplete: boolean;
  /** What is wrong with the body, once `take` has said -1. */
  fault = "";
  #left: number;
  readonly #chunked: ChunkedScanner | null;

  constructor(framing: BodyFraming) {
    this.#left = framing.kind === "length" ? framing.bytes : Number.POSITIVE_INFINITY;
    this.#chunked = framing.kind === "chunked" ? createChunkedScanner() : null;
    this.isComplete = framing.kind === "none" || this.#left === 0;
  }

  /**
   * How many of these bytes, from the first on, belong to the body; -1 when they cannot be a body. `data`, when given, gets
   * what they hold of a chunked body without its framing.
   */
  take(bytes: Buffer, data?: Buffer[]): number {
    if (this.isComplete) return 0;
    if (this.#chunked !== null) return this.#takeChunked(this.#chunked, bytes, data);
    const count = Math.min(this.#left, bytes.length);
    this.#left -= count;
    this.isComplete = this.#left === 0;
    return count;
  }

  #takeChunked(scanner: ChunkedScanner, bytes: Buffer, data: Buffer[] | undefined): number {
    const scan = scanner.scan(bytes, data);
    if (scan.kind === "more") return bytes.length;
    if (scan.kind === "malformed") {
      this.fault = scan.reason;
      return -1;
    }
    this.isComplete = true;
    return scan.consumed;
  }
}
