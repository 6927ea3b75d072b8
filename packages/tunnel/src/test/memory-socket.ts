/** The end of a connection that exists in memory only: `emit("data", …)` is what arrives, `written` is what was sent. */
import { Duplex } from "node:stream";

export class MemorySocket extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {
    // What arrives is emitted by the test.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // A copy: the sender uses its buffers again.
    this.written.push(Buffer.from(chunk));
    done();
  }

  /** The other side leaves as soon as this one does. */
  override _final(done: () => void): void {
    done();
    setImmediate(() => this.destroy());
  }
}
