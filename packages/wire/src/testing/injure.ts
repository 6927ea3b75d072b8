/** Seeded chance and what it does to recorded bytes. The same seed gives the same inputs on every machine. */

/** A whole number from 0 to `below` - 1. */
export type Random = (below: number) => number;

/** xorshift32: quick, and its 2^32 - 1 states are more than any run uses. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0 || 0x9e37_79b9;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

export interface Injuries {
  /** Recorded inputs, all of them well-formed. */
  readonly corpus: readonly Buffer[];
  /** Parts that mean something to the parser. */
  readonly words?: readonly string[];
}

const extremes: readonly Buffer[] = [
  Buffer.from([0]),
  Buffer.from([1]),
  Buffer.from([0x7f]),
  Buffer.from([0x80]),
  Buffer.from([0xff]),
  Buffer.from([0, 0]),
  Buffer.from([0xff, 0xff]),
  Buffer.from([0, 0, 0, 0]),
  Buffer.from([0, 0, 0, 1]),
  Buffer.from([0x7f, 0xff, 0xff, 0xff]),
  Buffer.from([0x80, 0, 0, 0]),
  Buffer.from([0xff, 0xff, 0xff, 0xff]),
  Buffer.from("\r\n"),
  Buffer.from("\n"),
  Buffer.from("\r"),
  Buffer.from("\r\n\r\n"),
  Buffer.from(" "),
  Buffer.from("\t"),
  Buffer.from(":"),
  Buffer.from("0"),
  Buffer.from("-1"),
  Buffer.from("4294967296"),
  Buffer.from("9007199254740993"),
  Buffer.from("18446744073709551616"),
  Buffer.from("7fffffffffffffff"),
  Buffer.from("ffffffffffffffff"),
  Buffer.from("é\u{1f600}"),
];
const runBytesMax = 3_000;
/** Now and then one that is longer than every limit of a parser. */
const longRunBytes = 70_000;
const longRunOneIn = 2_000;

/** An input of the corpus with one to five injuries, or once in sixteen untouched. */
export function injure({ corpus, words = [] }: Injuries, random: Random): Buffer {
  let bytes = pick(corpus, random);
  if (random(16) === 0) return bytes;
  for (let left = random(5); left >= 0; left -= 1) bytes = injureOnce(bytes, { corpus, words }, random);
  return bytes;
}

function injureOnce(bytes: Buffer, { corpus, words }: Required<Injuries>, random: Random): Buffer {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + random(12));
  const put = (part: Buffer, until = end): Buffer => Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(until)]);
  switch (random(9)) {
    case 0:
      return flipBit(bytes, random);
    case 1:
      return put(Buffer.from([random(256)]), Math.min(bytes.length, at + 1));
    case 2:
      return put(Buffer.alloc(0));
    case 3:
      return put(bytes.subarray(at, end), at);
    case 4:
      return put(pick(extremes, random), random(2) === 0 ? at : end);
    case 5:
      return put(Buffer.alloc(random(longRunOneIn) === 0 ? longRunBytes : random(runBytesMax), random(256)), at);
    case 6:
      return words.length === 0 ? bytes : put(Buffer.from(pick(words, random), "latin1"), random(2) === 0 ? at : end);
    case 7: {
      const other = pick(corpus, random);
      return put(other.subarray(random(other.length + 1)), bytes.length);
    }
    default:
      return bytes.subarray(0, at);
  }
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const at = random(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
  return copy;
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[random(items.length)];
  if (item === undefined) throw new RangeError("nothing to choose from");
  return item;
}

/** The bytes in parts: sometimes single bytes, sometimes a few large ones. They are views. */
export function splitRandomly(bytes: Buffer, random: Random): Buffer[] {
  const parts: Buffer[] = [];
  const sizeMax = bytes.length < 400 && random(3) === 0 ? 2 : 1 + random(Math.max(400, bytes.length));
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random(sizeMax);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}
