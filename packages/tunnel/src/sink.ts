/** What every sink has in common: how it is broken off, and that its errors end nothing. */
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Sink } from "./types.ts";

/** Ends a sink so that its other side does not take it for a clean end of the data: a TCP reset where there is one. */
export function abortSink(sink: Sink, why: string): void {
  if (sink.destroyed) return;
  if (sink instanceof Socket) resetSocket(sink);
  else sink.destroy(new Error(why));
}

/**
 * Closes a socket at once with a TCP reset where there is one; in TLS the missing close_notify tells. While the end of the
 * data is being told the system refuses a reset, and Node would then lose the descriptor for good: such a socket is closed
 * plainly.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding || !canReset(socket)) socket.destroy();
  else socket.resetAndDestroy();
}

/** Node's own method throws on a TLS socket; one that was given a method of its own has a way to its TCP connection. */
function canReset(socket: Socket): boolean {
  return !(socket instanceof TLSSocket) || Object.hasOwn(socket, "resetAndDestroy");
}

/**
 * Closes a socket that was ended in order and whose reader takes nothing of what it still holds for `lingerMs`. Nobody
 * else would: its stream is gone, and the kernel waits for a reader as long as the reader lives.
 */
export function closeUnread(sink: Sink | null, lingerMs: number): void {
  if (!(sink instanceof Socket) || sink.destroyed || sink.writableLength === 0) return;
  // Starts again with every byte that the kernel takes.
  sink.setTimeout(lingerMs, () => sink.destroy());
}

/** Closes a socket that was ended in order as soon as its reader has taken all of it, and after `lingerMs` of nothing taken. */
export function closeFlushed(socket: Socket, lingerMs: number): void {
  if (socket.writableFinished) {
    socket.destroy();
    return;
  }
  socket.once("finish", () => socket.destroy());
  socket.setTimeout(lingerMs, () => socket.destroy());
}

/** A socket that fails must not end the process. Its 'close' follows and says what is to be done. */
export function ignoreError(): void {
  // Nothing to add.
}
