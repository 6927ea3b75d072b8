/** A disk for one process's journal. The process may be killed in the middle of a write: a part of it is there, and nothing after. */
import type { openJournal } from "@karvon/journal";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import type { Random } from "./random.ts";

type Disk = NonNullable<Parameters<typeof openJournal>[0]["disk"]>;

export class FaultyDisk implements Disk {
  isDead = false;
  readonly #random: Random;
  readonly #onTorn: () => void;
  #writesLeft = Infinity;

  constructor(random: Random, onTorn: () => void) {
    this.#random = random;
    this.#onTorn = onTorn;
  }

  /** The process is killed in the `writes`-th write of records from now. */
  tearAfter(writes: number): void {
    this.#writesLeft = writes;
  }

  async open(path: string): Promise<number> {
    if (this.isDead) throw new Error("the process is dead");
    return openSync(path, "wx+", 0o600);
  }

  async write(fd: number, bytes: Buffer, length: number, position: number): Promise<number> {
    return this.isDead ? length : writeSync(fd, bytes, 0, length, position);
  }

  writeSync(fd: number, bytes: Buffer, length: number, position: number): number {
    if (this.isDead) return length;
    this.#writesLeft -= 1;
    if (this.#writesLeft > 0) return writeSync(fd, bytes, 0, length, position);
    writeSync(fd, bytes, 0, this.#random.between(0, length - 1), position);
    this.isDead = true;
    this.#onTorn();
    return length;
  }

  /** A killed process loses nothing that the system has, so what reaches the platter does not matter here. */
  async sync(): Promise<void> {
    // See above.
  }

  syncSync(): void {
    // See above.
  }

  close(fd: number): void {
    closeSync(fd);
  }

  async remove(path: string): Promise<void> {
    if (!this.isDead) unlinkSync(path);
  }
}
