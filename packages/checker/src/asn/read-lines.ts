/** Hands every line of a text file to `onLine`, through one reused buffer of 64 KiB. */
import { open } from "node:fs/promises";

const bufferBytes = 65_536;
const lineBytesMax = 1_024;
const lineFeed = 0x0a;

/** The line is `buffer` from `start` to `end`, and only during the call: the buffer is used again. */
export type OnLine = (buffer: Buffer, start: number, end: number) => void;

/** Lines come without their end. A line beyond 1 KiB is dropped whole. */
export async function readLines(path: string, onLine: OnLine): Promise<void> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafeSlow(bufferBytes);
    let kept = 0;
    let isDropping = false;
    for (;;) {
      const { bytesRead } = await file.read(buffer, kept, bufferBytes - kept, null);
      const filled = kept + bytesRead;
      let start = 0;
      for (let end = buffer.indexOf(lineFeed); end >= 0 && end < filled; end = buffer.indexOf(lineFeed, start)) {
        if (!isDropping) emit(buffer, start, end, onLine);
        isDropping = false;
        start = end + 1;
      }
      if (bytesRead === 0) {
        if (!isDropping) emit(buffer, start, filled, onLine);
        return;
      }
      kept = filled - start;
      isDropping ||= kept > lineBytesMax;
      if (isDropping) kept = 0;
      else buffer.copyWithin(0, start, filled);
    }
  } finally {
    await file.close();
  }
}

function emit(buffer: Buffer, start: number, end: number, onLine: OnLine): void {
  const last = end > start && buffer[end - 1] === 0x0d ? end - 1 : end;
  if (last > start && last - start <= lineBytesMax) onLine(buffer, start, last);
}
