/** The first bytes of a connection, which tell what it speaks. */
import type { Duplex } from "node:stream";

/**
 * Tells once, with null when the stream ends before a byte or stays silent for `timeoutMs`. The stream goes on flowing:
 * whoever is told listens or pauses in the same turn.
 */
export function readFirst(stream: Duplex, timeoutMs: number, tell: (first: Buffer | null) => void): void {
  const timer = setTimeout(onNothing, timeoutMs);
  function settle(first: Buffer | null): void {
    clearTimeout(timer);
    stream.off("data", settle);
    stream.off("end", onNothing);
    stream.off("close", onNothing);
    tell(first);
  }
  function onNothing(): void {
    settle(null);
  }
  stream.on("data", settle);
  stream.on("end", onNothing);
  stream.on("close", onNothing);
  if (stream.destroyed || stream.readableEnded) onNothing();
  else if (stream.isPaused()) stream.resume();
}
