/**
 * One file of the journal: written full of zeros before it is used, so that a full disk cannot stop a record in it, and
 * written over from its beginning when it is used again.
 */
import { closeSync, fdatasync, fdatasyncSync, open, unlink, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { putSegment, type SegmentName } from "./records.ts";

const openFile = promisify(open);
const writeFile = promisify(write);
const syncFile = promisify(fdatasync);
const removeFile = promisify(unlink);

/** Zeros are written in pieces of this size; also the most that one write of records has. */
export const pieceBytes = 256 * 1_024;
const zeros = Buffer.alloc(pieceBytes);

/** What the journal does to files; node:fs in production, a disk that fails in tests. */
export interface Disk {
  open(path: string): Promise<number>;
  /** Resolves with the bytes written. */
  write(fd: number, bytes: Buffer, length: number, position: number): Promise<number>;
  writeSync(fd: number, bytes: Buffer, length: number, position: number): number;
  sync(fd: number): Promise<void>;
  syncSync(fd: number): void;
  close(fd: number): void;
  remove(path: string): Promise<void>;
}

export const systemDisk: Disk = {
  open: (path) => openFile(path, "wx+", 0o600),
  write: async (fd, bytes, length, position) => (await writeFile(fd, bytes, 0, length, position)).bytesWritten,
  writeSync: (fd, bytes, length, position) => writeSync(fd, bytes, 0, length, position),
  sync: (fd) => syncFile(fd),
  syncSync: (fd) => fdatasyncSync(fd),
  close: (fd) => closeSync(fd),
  remove: (path) => removeFile(path),
};

export class Segment {
  readonly sizeBytes: number;
  readonly path: string;
  /** Where the checksums of this use start from. */
  seed = 0;
  /** Something was written since the last sync began. */
  isDirty = false;
  #at = 0;
  readonly #fd: number;
  readonly #disk: Disk;

  constructor(disk: Disk, path: string, fd: number, sizeBytes: number) {
    this.#disk = disk;
    this.path = path;
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
  }

  get roomBytes(): number {
    return this.sizeBytes - this.#at;
  }

  /** Begins a new use. What it held is gone for the reader from here on. */
  begin(name: SegmentName, scratch: Buffer): void {
    const { end, seed } = putSegment(scratch, name);
    this.seed = seed;
    this.#at = 0;
    this.append(scratch, end);
  }

  /** Returns when the records are in the system's hands: they outlive this process from then on. */
  append(bytes: Buffer, length: number): void {
    const written = this.#disk.writeSync(this.#fd, bytes, length, this.#at);
    if (written !== length) throw new Error(`the disk took ${written} of ${length} bytes`);
    this.#at += length;
    this.isDirty = true;
  }

  /** Resolves when everything appended before is on the disk. */
  sync(): Promise<void> {
    this.isDirty = false;
    return this.#disk.sync(this.#fd);
  }

  syncNow(): void {
    this.isDirty = false;
    this.#disk.syncSync(this.#fd);
  }

  close(): void {
    this.#disk.close(this.#fd);
  }

  async discard(): Promise<void> {
    this.close();
    await this.#disk.remove(this.path);
  }
}

/** Makes a file of zeros. Rejects, and leaves nothing behind, when the disk has no room for it. */
export async function createSegment(disk: Disk, path: string, sizeBytes: number): Promise<Segment> {
  const fd = await disk.open(path);
  const segment = new Segment(disk, path, fd, sizeBytes);
  try {
    for (let at = 0; at < sizeBytes;) {
      const written = await disk.write(fd, zeros, Math.min(zeros.length, sizeBytes - at), at);
      if (written === 0) throw new Error("the disk takes no more bytes");
      at += written;
    }
    await disk.sync(fd);
    return segment;
  } catch (cause) {
    await segment.discard();
    throw cause;
  }
}
