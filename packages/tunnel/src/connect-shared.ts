/**
 * `net.connect` for a socket that is going to be attached to a stream: all such sockets read through one shared buffer.
 *
 * A stream copies what it is given at once (send-queue.ts), so no read needs a buffer of its own. Node allocates 64 KB for
 * every ordinary read, however little arrives. Bytes that come before the socket is attached are kept, and reading stops.
 * Limit: one buffer of 64 KB a process, and at most as much kept per socket that is not attached yet.
 */
import { connect, Socket, type TcpNetConnectOpts } from "node:net";
import type { SinkDriver } from "./types.ts";

const sharedBytes = 65_536;
let shared: Buffer | null = null;

/** The reading side of such a socket, until and after it has a stream. */
export class SharedReader {
  #stream: SinkDriver | null = null;
  #early: Buffer | null = null;

  readonly read = (bytes: number, buffer: Uint8Array): boolean => {
    const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
    if (this.#stream === null) {
      this.#early = Buffer.from(chunk);
      return false;
    }
    if (this.#stream.push(chunk)) return true;
    this.#stream.markPaused();
    return false;
  };

  /** From now on the stream gets what is read, beginning with what came early. */
  attachTo(stream: SinkDriver): void {
    this.#stream = stream;
    const early = this.#early;
    this.#early = null;
    if (early !== null) stream.push(early);
  }
}

const readers = new WeakMap<Socket, SharedReader>();

export function connectShared(options: Omit<TcpNetConnectOpts, "onread">): Socket {
  const reader = new SharedReader();
  const onread = { buffer: (shared ??= Buffer.allocUnsafeSlow(sharedBytes)), callback: reader.read };
  const socket = connect({ ...options, onread });
  readers.set(socket, reader);
  return socket;
}

export function sharedReaderOf(socket: object): SharedReader | undefined {
  return socket instanceof Socket ? readers.get(socket) : undefined;
}
