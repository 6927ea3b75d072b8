/** The fast path between a socket and a stream: shared listeners and a shared read buffer for bulk, no closure and no Duplex per stream. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { sharedReaderOf } from "./connect-shared.ts";
import { type OnSharedRead, readShared } from "./shared-reads.ts";
import { ignoreError } from "./sink.ts";
import type { SinkDriver } from "./types.ts";

const streamKey = Symbol("karvon.stream");
type AttachedSocket = Duplex & { [streamKey]: SinkDriver };

/** What Node reads at once when there is more: a chunk of this size says that there is. */
const readOfRuntimeBytes = 65_536;

/** Plain assignment in one place: the sockets of all streams keep one shape. */
function bind(socket: Duplex & { [streamKey]?: SinkDriver }, stream: SinkDriver): asserts socket is AttachedSocket {
  socket[streamKey] = stream;
}

/** Pipes both ways from now on. What the socket has already ended or lost is passed on at once. */
export function attachSocket(stream: SinkDriver, socket: Duplex): void {
  bind(socket, stream);
  socket.on("end", onEnd);
  socket.on("drain", onDrain);
  socket.on("close", onClose);
  if (socket.listenerCount("error") === 0) socket.on("error", ignoreError);
  stream.useSink(socket);
  if (socket.destroyed) {
    onClose.call(socket);
    return;
  }
  if (socket.readableEnded) stream.fin();
  const reader = sharedReaderOf(socket);
  if (reader === undefined) socket.on("data", onData);
  else reader.attachTo(stream);
  if (stream.isSendQueueFull()) {
    stream.markPaused();
    socket.pause();
  } else {
    socket.resume();
  }
}

function onData(this: AttachedSocket, chunk: Buffer): void {
  const stream = this[streamKey];
  if (!stream.push(chunk)) {
    stream.markPaused();
    this.pause();
  } else if (chunk.length >= readOfRuntimeBytes && this.readableLength === 0 && this instanceof Socket) {
    // A bulk upload: only these pay for what the larger reads keep a socket.
    readShared(this, onSharedRead);
  }
}

const onSharedRead: OnSharedRead = function onSharedRead(this: Socket & { [streamKey]?: SinkDriver }, bytes, buffer) {
  const stream = this[streamKey];
  if (stream === undefined || stream.push(Buffer.from(buffer.buffer, buffer.byteOffset, bytes))) return true;
  stream.markPaused();
  return false;
};

function onEnd(this: AttachedSocket): void {
  this[streamKey].fin();
}

function onDrain(this: AttachedSocket): void {
  this[streamKey].drained();
}

function onClose(this: AttachedSocket): void {
  const stream = this[streamKey];
  if (!stream.isClosed) stream.sinkClosed(stream.isOnGateway || this.errored === null ? "cancelled" : "targetReset");
}
