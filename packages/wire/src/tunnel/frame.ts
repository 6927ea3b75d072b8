/**
 * Frames of the tunnel between gateway and node, protocol `karvon/1`. The byte tables stand in docs/protocol.md.
 *
 * A frame is `type u8 | length u24 | stream u32 | payload`, numbers big-endian. Stream 0 is the connection itself.
 * DATA carries at most 16,376 bytes, so that header and payload fill one TLS record; every other frame at most 4,096.
 */
export const frameTypes = {
  data: 0,
  open: 1,
  opened: 2,
  fin: 3,
  rst: 4,
  window: 5,
  ping: 6,
  pong: 7,
  goAway: 8,
  challenge: 9,
  auth: 10,
  ready: 11,
  enrol: 12,
  enrolled: 13,
  status: 14,
  refused: 15,
  withdraw: 16,
  redial: 128,
} as const;

export const tunnelProtocol = "karvon/1";
export const frameHeaderBytes = 8;
export const dataPayloadMaxBytes = 16_376;
export const controlPayloadMaxBytes = 4_096;
/** Types from here on may be skipped by those who do not know them. */
export const firstSkippableType = 128;

const jsonRule = { isStream: false, minBytes: 2, maxBytes: controlPayloadMaxBytes };
interface FrameRule {
  /** Whether the frame names a stream; otherwise its stream is 0. */
  readonly isStream: boolean;
  readonly minBytes: number;
  readonly maxBytes: number;
}
/** What may stand in a header, by type. DATA is judged by `dataRule` on the hot path. */
const rules: readonly FrameRule[] = [
  { isStream: true, minBytes: 1, maxBytes: dataPayloadMaxBytes },
  { isStream: true, minBytes: 9, maxBytes: 263 },
  { isStream: true, minBytes: 11, maxBytes: 23 },
  { isStream: true, minBytes: 0, maxBytes: 0 },
  { isStream: true, minBytes: 1, maxBytes: 1 },
  { isStream: true, minBytes: 4, maxBytes: 4 },
  { isStream: false, minBytes: 4, maxBytes: 4 },
  { isStream: false, minBytes: 4, maxBytes: 4 },
  { isStream: false, minBytes: 5, maxBytes: 5 },
  ...Array.from({ length: 8 }, () => jsonRule),
];

/** Null when a frame with this header may exist; else what is wrong with it. */
export function checkFrameHeader(type: number, length: number, streamId: number): string | null {
  if (type >= firstSkippableType) return length > controlPayloadMaxBytes ? "frame-too-long" : null;
  const rule = rules[type];
  if (rule === undefined) return "unknown-type";
  if (length < rule.minBytes) return "frame-too-short";
  if (length > rule.maxBytes) return "frame-too-long";
  return rule.isStream === (streamId !== 0) ? null : "wrong-stream";
}

/** Writes eight bytes at `offset`; the caller has made room. */
export function putFrameHeader(into: Buffer, offset: number, type: number, length: number, streamId: number): void {
  into[offset] = type;
  into[offset + 1] = length >>> 16;
  into[offset + 2] = length >>> 8;
  into[offset + 3] = length;
  into[offset + 4] = streamId >>> 24;
  into[offset + 5] = streamId >>> 16;
  into[offset + 6] = streamId >>> 8;
  into[offset + 7] = streamId;
}

/** One whole frame, for tests, vectors and control frames with a ready payload. */
export function encodeFrame(type: number, streamId: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  putFrameHeader(frame, 0, type, payload.length, streamId);
  frame.set(payload, frameHeaderBytes);
  return frame;
}
