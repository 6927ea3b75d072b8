/**
 * Finds where a chunked body ends (RFC 9112, section 7.1) without copying it: what is well-formed passes on unchanged.
 *
 * Strict: CRLF line ends, plain hexadecimal sizes, nothing between a size and its line end but an extension, no trailer
 * that a head alone may carry (RFC 9110, section 6.5.1): framing, routing, and what is meant for one hop. What a
 * client without chunks needs is handed out beside.
 *
 * Limits: sizes of 12 hexadecimal digits, 256 bytes of extension a chunk, 8 KiB of trailers, 256 bytes of a trailer's name.
 */
import { type Malformed, malformed, needMore } from "../feed.ts";
import { isToken } from "./field-lines.ts";

export interface ChunkedScanner {
  /**
   * Looks at the next bytes of the body. "end" tells how many of them still belong to it. Not to be called after an end.
   * `data`, when given, gets the parts of `chunk` that are the body without its framing.
   */
  scan(chunk: Buffer, data?: Buffer[]): { readonly kind: "more" } | { readonly kind: "end"; readonly consumed: number } | Malformed;
}

const sizeDigitsMax = 12;
const extensionBytesMax = 256;
const trailerBytesMax = 8_192;
const trailerNameBytesMax = 256;
const colon = 0x3a;
const headOnly: ReadonlySet<string> = new Set(["connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade"]);
const cr = 0x0d;
const lf = 0x0a;

type State =
  | "size"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer-start"
  | "trailer-name"
  | "trailer"
  | "trailer-lf"
  | "end-lf"
  | "end";

class Scanner implements ChunkedScanner {
  #state: State = "size";
  #digits = 0;
  #size = 0;
  #left = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerName = "";

  scan(chunk: Buffer, data?: Buffer[]): { readonly kind: "more" } | { readonly kind: "end"; readonly consumed: number } | Malformed {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "data") {
        const size = Math.min(this.#left, chunk.length - at);
        this.#left -= size;
        data?.push(chunk.subarray(at, at + size));
        at += size;
        if (this.#left === 0) this.#state = "data-cr";
        continue;
      }
      const problem = this.#step(chunk[at] ?? 0);
      if (problem !== null) return malformed(problem);
      at += 1;
      if (this.#state === "end") return { kind: "end", consumed: at };
    }
    return needMore;
  }

  #step(byte: number): string | null {
    switch (this.#state) {
      case "size":
        return this.#sizeByte(byte);
      case "extension":
        return this.#extensionByte(byte);
      case "trailer-start":
        return this.#trailerStart(byte);
      case "trailer-name":
        return this.#trailerNameByte(byte);
      case "trailer":
        return this.#trailerByte(byte);
      case "size-lf":
        return this.#expect(byte, lf, this.#size === 0 ? "trailer-start" : "data");
      default:
        return this.#expectLineEnd(byte);
    }
  }

  /** The states in which one byte alone may come. */
  #expectLineEnd(byte: number): string | null {
    if (this.#state === "data-cr") return this.#expect(byte, cr, "data-lf");
    if (this.#state === "trailer-lf") return this.#expect(byte, lf, "trailer-start");
    if (this.#state === "end-lf") return this.#expect(byte, lf, "end");
    this.#digits = 0;
    this.#size = 0;
    return this.#expect(byte, lf, "size");
  }

  #expect(byte: number, wanted: number, next: State): string | null {
    if (byte !== wanted) return "chunk-line-end";
    this.#state = next;
    if (next === "data") this.#left = this.#size;
    return null;
  }

  #sizeByte(byte: number): string | null {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits += 1;
      this.#size = this.#size * 16 + digit;
      return this.#digits > sizeDigitsMax ? "chunk-size" : null;
    }
    if (this.#digits === 0) return "chunk-size";
    this.#extensionBytes = 0;
    if (byte === cr) this.#state = "size-lf";
    else if (byte === 0x3b) this.#state = "extension";
    else return "chunk-size";
    return null;
  }

  #extensionByte(byte: number): string | null {
    if (byte === cr) {
      this.#state = "size-lf";
      return null;
    }
    this.#extensionBytes += 1;
    return isControl(byte) || this.#extensionBytes > extensionBytesMax ? "chunk-extension" : null;
  }

  #trailerStart(byte: number): string | null {
    if (byte === cr) {
      this.#state = "end-lf";
      return null;
    }
    if (byte === 0x20 || byte === 0x09) return "folded-field";
    this.#state = "trailer-name";
    this.#trailerName = "";
    return this.#trailerNameByte(byte);
  }

  #trailerNameByte(byte: number): string | null {
    if (byte !== colon) {
      this.#trailerName += String.fromCharCode(byte);
      return this.#trailerName.length > trailerNameBytesMax ? "trailer" : this.#countTrailerByte(byte);
    }
    const name = this.#trailerName.toLowerCase();
    if (!isToken(name) || headOnly.has(name) || name.startsWith("proxy-")) return "trailer";
    this.#state = "trailer";
    return this.#countTrailerByte(byte);
  }

  #trailerByte(byte: number): string | null {
    if (byte !== cr) return this.#countTrailerByte(byte);
    this.#state = "trailer-lf";
    return null;
  }

  #countTrailerByte(byte: number): string | null {
    this.#trailerBytes += 1;
    return isControl(byte) || this.#trailerBytes > trailerBytesMax ? "trailer" : null;
  }
}

export function createChunkedScanner(): ChunkedScanner {
  return new Scanner();
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Tabs are allowed. */
function isControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
}
