/**
 * Bytes that wait to be sent on one stream. They are copied in, so whoever read them may use its buffer again at once.
 *
 * The copy pays for itself: a read buffer that waits here survives a young collection or two, and from then on only full
 * collections free it, which took a fifth of the gateway's CPU under bulk uploads. Blocks are long-lived and reused.
 * Limits: none of its own; the stream pauses its source (`pauseAtBytes`) after at most one chunk more.
 */
import { giveSlab, takeSlab } from "./slab-pool.ts";

const blockBytes = 16_384;
/** For a request that waits alone: 10,000 of them must not hold a large block each. */
const smallBlockBytes = 2_048;

export class SendQueue {
  bytes = 0;
  readonly #blocks: Buffer[] = [];
  /** Where the unread part of the first block begins. */
  #readAt = 0;
  /** Where the unused part of the last block begins. */
  #writeAt = 0;

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      const block = this.#blockWithRoom(chunk.length - at);
      const copied = chunk.copy(block, this.#writeAt, at);
      this.#writeAt += copied;
      at += copied;
    }
  }

  #blockWithRoom(wanted: number): Buffer {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#writeAt < last.length) return last;
    const block = takeSlab(wanted <= smallBlockBytes ? smallBlockBytes : blockBytes);
    this.#blocks.push(block);
    this.#writeAt = 0;
    return block;
  }

  /** Copies the first `bytes` to `into` and forgets them. There are as many. */
  take(into: Buffer, at: number, bytes: number): void {
    this.bytes -= bytes;
    let left = bytes;
    let offset = at;
    for (let block = this.#blocks[0]; left > 0 && block !== undefined; block = this.#blocks[0]) {
      const end = this.#blocks.length === 1 ? this.#writeAt : block.length;
      const copied = block.copy(into, offset, this.#readAt, Math.min(end, this.#readAt + left));
      offset += copied;
      left -= copied;
      this.#readAt += copied;
      if (this.#readAt === end) this.#dropFirst();
    }
  }

  #dropFirst(): void {
    const block = this.#blocks.shift();
    if (block !== undefined) giveSlab(block);
    this.#readAt = 0;
  }

  clear(): void {
    while (this.#blocks.length > 0) this.#dropFirst();
    this.bytes = 0;
  }
}
