/** The fast path between a socket and a stream: five shared listeners, no closure and no Duplex per stream. */
import type { Duplex } from "node:stream";
import { ignoreError, type SinkDriver } from "./sink.ts";

const streamKey = Symbol("karvon.stream");
type AttachedSocket = Duplex & { [streamKey]: SinkDriver };

/** Pipes both ways from now on. What the socket has already ended or lost is passed on at once. */
export function attachSocket(stream: SinkDriver, plain: Duplex): void {
  const socket = Object.assign(plain, { [streamKey]: stream });
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
  socket.on("data", onData);
  if (stream.isSendQueueFull()) {
    stream.markPaused();
    socket.pause();
  } else {
    socket.resume();
  }
}

function onData(this: AttachedSocket, chunk: Buffer): void {
  const stream = this[streamKey];
  if (stream.push(chunk)) return;
  stream.markPaused();
  this.pause();
}

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
