/** Moves one message body from a reader to a writer, exactly to its end and never a byte further. */
import { type BodyFraming, createChunkedScanner } from "@karvon/wire";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

export type BodyOutcome = "complete" | "malformed" | "source-lost" | "sink-lost";

const chunkBytesMax = 65_536;

export async function pumpBody(reader: ByteReader, writer: ByteWriter, framing: BodyFraming, idleMs: number): Promise<BodyOutcome> {
  switch (framing.kind) {
    case "none":
      return "complete";
    case "length":
      return pumpLength(reader, writer, framing.bytes, idleMs);
    case "chunked":
      return pumpChunked(reader, writer, idleMs);
    case "close":
      return pumpToEnd(reader, writer, idleMs);
  }
}

async function pumpLength(reader: ByteReader, writer: ByteWriter, bytes: number, idleMs: number): Promise<BodyOutcome> {
  let left = bytes;
  while (left > 0) {
    const chunk = await reader.next(Math.min(left, chunkBytesMax), idleMs);
    if (chunk === null) return "source-lost";
    left -= chunk.length;
    if (!(await writer.write(chunk))) return "sink-lost";
  }
  return "complete";
}

async function pumpChunked(reader: ByteReader, writer: ByteWriter, idleMs: number): Promise<BodyOutcome> {
  const scanner = createChunkedScanner();
  for (;;) {
    const chunk = await reader.next(chunkBytesMax, idleMs);
    if (chunk === null) return "source-lost";
    const scan = scanner.scan(chunk);
    if (scan.kind === "malformed") return "malformed";
    const isEnd = scan.kind === "end";
    if (!(await writer.write(isEnd ? chunk.subarray(0, scan.consumed) : chunk))) return "sink-lost";
    if (!isEnd) continue;
    reader.unread(chunk.subarray(scan.consumed));
    return "complete";
  }
}

async function pumpToEnd(reader: ByteReader, writer: ByteWriter, idleMs: number): Promise<BodyOutcome> {
  for (;;) {
    const chunk = await reader.next(chunkBytesMax, idleMs);
    if (chunk === null) return reader.isCleanEnd ? "complete" : "source-lost";
    if (!(await writer.write(chunk))) return "sink-lost";
  }
}
