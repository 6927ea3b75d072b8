/**
 * Cuts a byte stream into tunnel frames, however the stream is split.
 *
 * DATA payload is handed on as it comes, without waiting for the whole frame and without copying; other frames are
 * handed on whole. Headers are checked before anything is buffered, so at most 4,096 bytes are ever held.
 * It knows nothing of streams, windows or order; its sink does. After a violation it reads nothing more.
 */
import {
  checkFrameHeader,
  controlPayloadMaxBytes,
  dataPayloadMaxBytes,
  firstSkippableType,
  frameHeaderBytes,
  frameTypes,
} from "./frame.ts";

export interface FrameSink {
  /** A DATA frame begins; its payload follows in `dataChunk` calls. */
  dataStart(streamId: number, length: number): void;
  /** The next part of the payload of the DATA frame that began last. A view, not a copy. */
  dataChunk(chunk: Buffer): void;
  /** Any other known frame, `bytes[start, end)` being its payload, valid during the call. */
  frame(type: number, streamId: number, bytes: Buffer, start: number, end: number): void;
}

export class FrameReader {
  /** What ended the reading, or null. */
  violation: string | null = null;
  readonly #sink: FrameSink;
  readonly #header = Buffer.alloc(frameHeaderBytes);
  #headerLength = 0;
  #dataLeft = 0;
  #skipLeft = 0;
  #held: Buffer | null = null;
  #heldLength = 0;
  #heldWanted = 0;
  #type = 0;
  #streamId = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** The sink may call this from inside `push`: whatever is left of the chunk is dropped. */
  fail(violation: string): void {
    this.violation ??= violation;
  }

  push(chunk: Buffer): void {
    const length = chunk.length;
    let at = 0;
    while (at < length && this.violation === null) {
      if (this.#dataLeft > 0) at = this.#takeData(chunk, at);
      else if (this.#heldWanted > 0) at = this.#takeHeld(chunk, at);
      else if (this.#skipLeft > 0) at = this.#skip(length, at);
      else at = this.#takeHeader(chunk, at);
    }
  }

  #takeData(chunk: Buffer, at: number): number {
    const left = chunk.length - at;
    const size = left < this.#dataLeft ? left : this.#dataLeft;
    this.#dataLeft -= size;
    this.#sink.dataChunk(at === 0 && size === chunk.length ? chunk : chunk.subarray(at, at + size));
    return at + size;
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const left = chunk.length - at;
    if (this.#headerLength === 0 && left >= frameHeaderBytes) return this.#startFrame(chunk, at, chunk, at + frameHeaderBytes);
    const missing = frameHeaderBytes - this.#headerLength;
    const size = left < missing ? left : missing;
    chunk.copy(this.#header, this.#headerLength, at, at + size);
    this.#headerLength += size;
    if (this.#headerLength < frameHeaderBytes) return at + size;
    this.#headerLength = 0;
    return this.#startFrame(this.#header, 0, chunk, at + size);
  }

  /** Reads the header at `header[headerAt]`; its payload begins at `chunk[at]`. Answers where to go on. */
  #startFrame(header: Buffer, headerAt: number, chunk: Buffer, at: number): number {
    const word = header.readUInt32BE(headerAt);
    const streamId = header.readUInt32BE(headerAt + 4);
    const length = word & 0xff_ffff;
    const type = word >>> 24;
    if (type === 0 && length > 0 && length <= dataPayloadMaxBytes && streamId !== 0) {
      this.#dataLeft = length;
      this.#sink.dataStart(streamId, length);
      return at;
    }
    const problem = checkFrameHeader(type, length, streamId);
    if (problem !== null) {
      this.fail(problem);
    } else if (type >= firstSkippableType) {
      // What a later version adds to a frame that is known today is skipped like a frame that is not.
      if (type === frameTypes.redial && streamId === 0) this.#sink.frame(type, streamId, chunk, at, at);
      this.#skipLeft = length;
    } else if (chunk.length - at >= length) {
      this.#sink.frame(type, streamId, chunk, at, at + length);
      return at + length;
    } else {
      this.#type = type;
      this.#streamId = streamId;
      this.#heldWanted = length;
      this.#heldLength = 0;
      this.#held = Buffer.allocUnsafe(Math.min(length, controlPayloadMaxBytes));
    }
    return at;
  }

  #takeHeld(chunk: Buffer, at: number): number {
    const held = this.#held;
    if (held === null) return chunk.length;
    const left = chunk.length - at;
    const missing = this.#heldWanted - this.#heldLength;
    const size = left < missing ? left : missing;
    chunk.copy(held, this.#heldLength, at, at + size);
    this.#heldLength += size;
    if (this.#heldLength === this.#heldWanted) {
      this.#heldWanted = 0;
      this.#held = null;
      this.#sink.frame(this.#type, this.#streamId, held, 0, held.length);
    }
    return at + size;
  }

  #skip(length: number, at: number): number {
    const left = length - at;
    const size = left < this.#skipLeft ? left : this.#skipLeft;
    this.#skipLeft -= size;
    return at + size;
  }
}
