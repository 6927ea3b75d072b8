/**
 * The journal's records, as bytes. A record is `u16 payload length | u8 type | payload | u32 crc32`, big-endian.
 *
 * A segment begins with a record that names it; the checksum of that record is where every later checksum starts from, so a
 * record that an earlier use of the same file left behind is never taken for one of this use. Bytes that were never written
 * are zeros, and a record of length and type 0 ends the reading.
 *
 * Payloads: segment `"KVJ1", u48 epoch, u32 generation, gateway id` - open `u32 number, facts as JSON` - known `u32 number,
 * u48 opened at, session id` - totals `u48 at, (u32 number, u48 up, u48 down)...` - close `u32 number, u48 at, u48 up, u48
 * down, reason` - settled `u32 number...` - snapshot, empty: all that is owed stands before it in this segment. Times are milliseconds since 1970, totals bytes since the session opened; a number
 * stands for one session within an epoch.
 */
import type { SessionFacts } from "@karvon/billing";
import { crc32 } from "node:zlib";

export const recordTypes = { segment: 1, open: 2, known: 3, totals: 4, close: 5, settled: 6, snapshot: 7 } as const;

export const payloadBytesMax = 0xffff;
/** Length, type and checksum. */
export const frameBytes = 7;
export const totalBytes = 16;
const numberBytes = 4;
const headBytes = 3;
const timeBytes = 6;
/** A close's payload without its reason. */
const closeBytes = 22;
const magic = "KVJ1";

export interface SegmentName {
  readonly gatewayId: string;
  readonly epoch: bigint;
  /** Counts the uses of the epoch's files, from 1. */
  readonly generation: number;
}

/** Cumulative counters of one session. */
export interface Total {
  readonly number: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

export interface Closing extends Total {
  readonly closedAtMs: number;
  readonly closeReason: string;
}

/** Where a record's payload begins that stands at `at`. */
export function payloadAt(at: number): number {
  return at + headBytes;
}

/** Finishes the record at `at` whose payload ends at `end`; answers where the next one begins. */
export function sealRecord(into: Buffer, at: number, type: number, end: number, seed: number): number {
  const length = end - at - headBytes;
  if (length > payloadBytesMax) throw new RangeError(`a record of ${length} bytes is too long for the journal`);
  into.writeUInt16BE(length, at);
  into[at + 2] = type;
  into.writeUInt32BE(crc32(into.subarray(at, end), seed), end);
  return end + 4;
}

/** Writes the first record; answers where the next begins and where its checksums start from. */
export function putSegment(into: Buffer, name: SegmentName): { readonly end: number; readonly seed: number } {
  let to = payloadAt(0);
  to += into.write(magic, to, "latin1");
  to = into.writeUIntBE(Number(name.epoch), to, timeBytes);
  to = into.writeUInt32BE(name.generation, to);
  to += into.write(name.gatewayId, to, "latin1");
  const end = sealRecord(into, 0, recordTypes.segment, to, 0);
  return { end, seed: into.readUInt32BE(end - 4) };
}

export function putOpen(into: Buffer, at: number, seed: number, number: number, facts: string): number {
  const to = into.writeUInt32BE(number, payloadAt(at));
  return sealRecord(into, at, recordTypes.open, to + into.write(facts, to, "utf8"), seed);
}

/** For a session whose facts the ledger has. */
export function putKnown(into: Buffer, at: number, seed: number, number: number, session: Pick<SessionFacts, "id" | "openedAtMs">): number {
  let to = into.writeUInt32BE(number, payloadAt(at));
  to = into.writeUIntBE(session.openedAtMs, to, timeBytes);
  return sealRecord(into, at, recordTypes.known, to + into.write(session.id, to, "latin1"), seed);
}

/** Begins a record of totals; `putTotal` adds to it and `sealRecord` ends it. */
export function beginTotals(into: Buffer, at: number, nowMs: number): number {
  return into.writeUIntBE(nowMs, payloadAt(at), timeBytes);
}

export function putTotal(into: Buffer, to: number, number: number, upBytes: number, downBytes: number): number {
  into.writeUInt32BE(number, to);
  into.writeUIntBE(upBytes, to + 4, 6);
  return into.writeUIntBE(downBytes, to + 10, 6);
}

export function putClose(into: Buffer, at: number, seed: number, closing: Closing): number {
  let to = into.writeUInt32BE(closing.number, payloadAt(at));
  to = into.writeUIntBE(closing.closedAtMs, to, timeBytes);
  to = into.writeUIntBE(closing.upBytes, to, timeBytes);
  to = into.writeUIntBE(closing.downBytes, to, timeBytes);
  return sealRecord(into, at, recordTypes.close, to + into.write(closing.closeReason, to, "utf8"), seed);
}

export function putSettled(into: Buffer, at: number, seed: number, number: number): number {
  return sealRecord(into, at, recordTypes.settled, into.writeUInt32BE(number, payloadAt(at)), seed);
}

export function putSnapshotEnd(into: Buffer, at: number, seed: number): number {
  return sealRecord(into, at, recordTypes.snapshot, payloadAt(at), seed);
}

/** What a record says. */
export type JournalRecord =
  | { readonly type: "open"; readonly number: number; readonly facts: SessionFacts }
  | { readonly type: "known"; readonly number: number; readonly id: string; readonly openedAtMs: number }
  | { readonly type: "totals"; readonly atMs: number; readonly totals: readonly Total[] }
  | ({ readonly type: "close" } & Closing)
  | { readonly type: "settled"; readonly numbers: readonly number[] }
  | { readonly type: "snapshot" };

/** Null when the bytes do not begin with a whole segment record. */
export function readSegmentName(bytes: Buffer): { readonly name: SegmentName; readonly end: number; readonly seed: number } | null {
  const payload = readPayload(bytes, 0, 0);
  if (payload === null || payload.type !== recordTypes.segment || payload.end - payload.start < 14) return null;
  const { start, end } = payload;
  if (bytes.toString("latin1", start, start + 4) !== magic) return null;
  return {
    name: {
      epoch: BigInt(bytes.readUIntBE(start + 4, timeBytes)),
      generation: bytes.readUInt32BE(start + 10),
      gatewayId: bytes.toString("latin1", start + 14, end),
    },
    end: end + 4,
    seed: bytes.readUInt32BE(end),
  };
}

/** The record at `at`; null where there is none: the end, a torn one, or one that was changed. */
export function readRecord(bytes: Buffer, at: number, seed: number): { readonly record: JournalRecord; readonly end: number } | null {
  const payload = readPayload(bytes, at, seed);
  if (payload === null) return null;
  const record = decode(bytes, payload.type, payload.start, payload.end);
  return record === null ? null : { record, end: payload.end + 4 };
}

function readPayload(bytes: Buffer, at: number, seed: number): { type: number; start: number; end: number } | null {
  if (at + frameBytes > bytes.length) return null;
  const start = payloadAt(at);
  const end = start + bytes.readUInt16BE(at);
  const type = bytes.readUInt8(at + 2);
  if (type === 0 || end + 4 > bytes.length) return null;
  return crc32(bytes.subarray(at, end), seed) === bytes.readUInt32BE(end) ? { type, start, end } : null;
}

type Decode = (bytes: Buffer, start: number, end: number) => JournalRecord | null;

const decoders: ReadonlyMap<number, Decode> = new Map<number, Decode>([
  [recordTypes.open, decodeOpen],
  [recordTypes.known, decodeKnown],
  [recordTypes.totals, decodeTotals],
  [recordTypes.close, decodeClose],
  [recordTypes.settled, decodeSettled],
  [recordTypes.snapshot, (_bytes, start, end) => (start === end ? { type: "snapshot" } : null)],
]);

function decode(bytes: Buffer, type: number, start: number, end: number): JournalRecord | null {
  return decoders.get(type)?.(bytes, start, end) ?? null;
}

/** A checksum that fits leaves no doubt about the bytes; another version of the program may still have written them. */
function decodeOpen(bytes: Buffer, start: number, end: number): JournalRecord | null {
  if (end - start <= numberBytes) return null;
  try {
    const facts: unknown = JSON.parse(bytes.toString("utf8", start + 4, end));
    return isFacts(facts) ? { type: "open", number: bytes.readUInt32BE(start), facts } : null;
  } catch {
    return null;
  }
}

function isFacts(value: unknown): value is SessionFacts {
  if (typeof value !== "object" || value === null) return false;
  return typeof Reflect.get(value, "id") === "string" && typeof Reflect.get(value, "openedAtMs") === "number";
}

function decodeKnown(bytes: Buffer, start: number, end: number): JournalRecord | null {
  const idAt = start + numberBytes + timeBytes;
  if (end <= idAt) return null;
  return {
    type: "known",
    number: bytes.readUInt32BE(start),
    openedAtMs: bytes.readUIntBE(start + numberBytes, timeBytes),
    id: bytes.toString("latin1", idAt, end),
  };
}

function decodeTotals(bytes: Buffer, start: number, end: number): JournalRecord | null {
  if (end - start < timeBytes || (end - start - timeBytes) % totalBytes !== 0) return null;
  const totals: Total[] = [];
  for (let at = start + timeBytes; at < end; at += totalBytes) {
    totals.push({
      number: bytes.readUInt32BE(at),
      upBytes: bytes.readUIntBE(at + 4, 6),
      downBytes: bytes.readUIntBE(at + 10, 6),
    });
  }
  return { type: "totals", atMs: bytes.readUIntBE(start, timeBytes), totals };
}

function decodeClose(bytes: Buffer, start: number, end: number): JournalRecord | null {
  if (end - start < closeBytes) return null;
  return {
    type: "close",
    number: bytes.readUInt32BE(start),
    closedAtMs: bytes.readUIntBE(start + 4, timeBytes),
    upBytes: bytes.readUIntBE(start + 10, timeBytes),
    downBytes: bytes.readUIntBE(start + 16, timeBytes),
    closeReason: bytes.toString("utf8", start + closeBytes, end),
  };
}

function decodeSettled(bytes: Buffer, start: number, end: number): JournalRecord | null {
  if ((end - start) % numberBytes !== 0) return null;
  const numbers: number[] = [];
  for (let at = start; at < end; at += numberBytes) numbers.push(bytes.readUInt32BE(at));
  return { type: "settled", numbers };
}
