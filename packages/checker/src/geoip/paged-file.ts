/**
 * Reads any part of a file through a small page cache, so that a 70 MB database costs 1 MB of memory.
 *
 * Reads are synchronous on purpose: a look-up touches some twenty pages that the kernel almost always holds, and
 * the callers need their answer at once. It is meant for events (a node connects), not for every proxied request.
 * The file is opened once; replacing it under the same name has no effect until it is opened again.
 *
 * Limits: 4 KiB a page, 256 pages a file.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const pageBytes = 4_096;
const pagesMax = 256;

export interface PagedFile {
  readonly sizeBytes: number;
  /** The bytes at `offset`. Throws a RangeError when the file does not hold them all. The view must not be written. */
  bytes(offset: number, length: number): Buffer;
  close(): void;
}

export function openPagedFile(path: string): PagedFile {
  const descriptor = openSync(path, "r");
  const sizeBytes = fstatSync(descriptor).size;
  const pages: (Buffer | undefined)[] = Array.from({ length: pagesMax });
  const held = new Int32Array(pagesMax).fill(-1);

  /** Each page has one slot; another page of the same slot takes its place. Cheaper than keeping an order of use. */
  function page(index: number): Buffer {
    const slot = index % pagesMax;
    const known = pages[slot];
    if (known && held[slot] === index) return known;
    const start = index * pageBytes;
    const fresh = Buffer.allocUnsafeSlow(Math.min(pageBytes, sizeBytes - start));
    readFully(descriptor, fresh, start);
    pages[slot] = fresh;
    held[slot] = index;
    return fresh;
  }

  return {
    sizeBytes,
    bytes(offset, length) {
      if (offset < 0 || length < 0 || offset + length > sizeBytes) throw new RangeError("read past the end of the file");
      const index = Math.floor(offset / pageBytes);
      const within = offset - index * pageBytes;
      if (within + length <= pageBytes) return length === 0 ? Buffer.alloc(0) : page(index).subarray(within, within + length);
      const joined = Buffer.allocUnsafeSlow(length);
      readFully(descriptor, joined, offset);
      return joined;
    },
    close() {
      pages.fill(undefined);
      held.fill(-1);
      closeSync(descriptor);
    },
  };
}

function readFully(descriptor: number, target: Buffer, position: number): void {
  let filled = 0;
  while (filled < target.length) {
    const count = readSync(descriptor, target, filled, target.length - filled, position + filled);
    if (count === 0) throw new RangeError("the file became shorter while it was read");
    filled += count;
  }
}
