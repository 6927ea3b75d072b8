/** Where a stream's received bytes go: the part of a socket that the tunnel uses, so that a Duplex adaptor can stand in. */
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { RstName } from "./types.ts";

export interface Sink {
  readonly destroyed: boolean;
  /** False asks the stream to grant no credit for these bytes until `drained` is called. */
  write(chunk: Buffer): boolean;
  cork(): void;
  uncork(): void;
  end(): void;
  /** The stream has room again. */
  resume(): void;
  destroy(error?: Error): void;
}

/** What a sink's owner tells its stream. */
export interface SinkDriver {
  readonly isClosed: boolean;
  readonly isOnGateway: boolean;
  isSendQueueFull(): boolean;
  useSink(sink: Sink): void;
  push(chunk: Buffer): boolean;
  fin(): void;
  drained(): void;
  markPaused(): void;
  sinkClosed(code: RstName): void;
}

/** Ends a sink so that its other side does not take it for a clean end of the data: a TCP reset where there is one. */
export function abortSink(sink: Sink, why: string): void {
  if (sink.destroyed) return;
  if (sink instanceof Socket && canReset(sink)) sink.resetAndDestroy();
  else if (sink instanceof Socket) sink.destroy();
  else sink.destroy(new Error(why));
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

/** A socket that fails must not end the process. Its 'close' follows and says what is to be done. */
export function ignoreError(): void {
  // Nothing to add.
}
