/**
 * Which network (ASN) an address belongs to: the ip-location-db CSV files in typed arrays, found by binary search.
 *
 * Names are kept once an ASN, as UTF-8 in one buffer, and become strings only when asked for. The CSV passes through
 * one small buffer, so the peak is the tables themselves: with the data of 2026-06 515,158 ranges and 84,159 names
 * in 11 MB.
 *
 * Limits: 1,000,000 ranges a family, 262,144 names, 1 KiB a line; a line that does not parse is skipped.
 */
import { readLines } from "./read-lines.ts";
import { readDecimal, readIpv4Words, readIpv6Words, toWords } from "./read-words.ts";

const rangesMax = 1_000_000;
const namesMax = 262_144;
const comma = 0x2c;

export interface AsnFacts {
  readonly asn: number;
  readonly asnName: string;
}

export interface AsnTable {
  find(address: Uint8Array): AsnFacts | null;
  readonly ranges: number;
  readonly sizeBytes: number;
}

/** Reads `asn-ipv4-num.csv` (first, last, asn, name; addresses as 32-bit numbers) and `asn-ipv6.csv` (as text). */
export async function openAsnTable(ipv4Csv: string, ipv6Csv: string): Promise<AsnTable> {
  const names = new NameCollector();
  const v4 = new RangeCollector(1);
  const v6 = new RangeCollector(4);
  await readLines(ipv4Csv, (buffer, start, end) => addRow(buffer, start, end, v4, names));
  await readLines(ipv6Csv, (buffer, start, end) => addRow(buffer, start, end, v6, names));
  return tableOf(v4.finish(), v6.finish(), names.finish());
}

/** Half a million rows pass here at the start of a process: they are read as bytes, with no objects in between. */
function addRow(buffer: Buffer, start: number, end: number, ranges: RangeCollector, names: NameCollector): void {
  const a = buffer.indexOf(comma, start);
  const b = buffer.indexOf(comma, a + 1);
  const c = buffer.indexOf(comma, b + 1);
  if (a < start || b < a || c < b || c > end) return;
  const asn = readDecimal(buffer, b + 1, c);
  if (asn < 0 || !ranges.read(buffer, start, a, b)) return;
  ranges.add(names.findOrAdd(asn, () => readName(buffer.toString("utf8", c + 1, end))));
}

/** Outside of `openAsnTable`, so that the finished table does not keep the collectors alive. */
function tableOf(ipv4: Ranges, ipv6: Ranges, names: Names): AsnTable {
  return {
    ranges: ipv4.count + ipv6.count,
    sizeBytes: ipv4.sizeBytes + ipv6.sizeBytes + names.sizeBytes,
    find(address) {
      const index = (address.length === 4 ? ipv4 : ipv6).find(toWords(address));
      return index === null ? null : names.at(index);
    },
  };
}

/** A name is quoted when it holds a comma or a quote, with quotes doubled (RFC 4180). */
export function readName(raw: string): string {
  const isQuoted = raw.length > 1 && raw.startsWith('"') && raw.endsWith('"');
  return (isQuoted ? raw.slice(1, -1).replaceAll('""', '"') : raw).trim();
}

interface Ranges {
  readonly count: number;
  readonly sizeBytes: number;
  find(words: Uint32Array): number | null;
}

/** Collects sorted, non-overlapping ranges of addresses of `width` 32-bit words. Rows out of order are dropped. */
class RangeCollector {
  private firsts: Uint32Array<ArrayBuffer>;
  private lasts: Uint32Array<ArrayBuffer>;
  private names = new Uint32Array(65_536);
  private count = 0;
  private readonly width: 1 | 4;
  private readonly first: Uint32Array;
  private readonly last: Uint32Array;

  constructor(width: 1 | 4) {
    this.width = width;
    this.firsts = new Uint32Array(65_536 * width);
    this.lasts = new Uint32Array(65_536 * width);
    this.first = new Uint32Array(width);
    this.last = new Uint32Array(width);
  }

  /** Takes the range of a row: its first address stands from `start` to the comma `a`, its last from there to `b`. */
  read(buffer: Buffer, start: number, a: number, b: number): boolean {
    const readWords = this.width === 1 ? readIpv4Words : readIpv6Words;
    return readWords(buffer, start, a, this.first) && readWords(buffer, a + 1, b, this.last);
  }

  /** Adds the range that was read last. */
  add(name: number): void {
    if (this.count >= rangesMax || (this.count > 0 && compareAt(this.lasts, this.count - 1, this.first) >= 0)) return;
    if (this.count === this.names.length) {
      this.firsts = grow(this.firsts);
      this.lasts = grow(this.lasts);
      this.names = grow(this.names);
    }
    this.firsts.set(this.first, this.count * this.width);
    this.lasts.set(this.last, this.count * this.width);
    this.names[this.count] = name;
    this.count += 1;
  }

  finish(): Ranges {
    const { count, width } = this;
    return rangesOf(count, this.firsts.slice(0, count * width), this.lasts.slice(0, count * width), this.names.slice(0, count));
  }
}

function rangesOf(count: number, firsts: Uint32Array, lasts: Uint32Array, names: Uint32Array): Ranges {
  return {
    count,
    sizeBytes: firsts.byteLength + lasts.byteLength + names.byteLength,
    find(words) {
      const index = lastNotAfter(firsts, count, words);
      return index >= 0 && compareAt(lasts, index, words) >= 0 ? (names[index] ?? null) : null;
    },
  };
}

function grow(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(array.length * 2);
  bigger.set(array);
  return bigger;
}

/** The index of the last entry that is not greater than `words`; -1 when all are. */
function lastNotAfter(array: Uint32Array, count: number, words: Uint32Array): number {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (compareAt(array, middle, words) <= 0) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

/** Entry `index` of `array` against `words`: negative, zero or positive. The entry is as wide as `words`. */
function compareAt(array: Uint32Array, index: number, words: Uint32Array): number {
  const start = index * words.length;
  for (let i = 0; i < words.length; i += 1) {
    const difference = (array[start + i] ?? 0) - (words[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface Names {
  readonly sizeBytes: number;
  at(index: number): AsnFacts | null;
}

/** ASNs with their names, one entry each however many ranges name it. */
class NameCollector {
  private readonly indexes = new Map<number, number>();
  private readonly names: string[] = [];

  /** The index of the ASN's entry. `name` is asked once an ASN. */
  findOrAdd(asn: number, name: () => string): number {
    const known = this.indexes.get(asn);
    if (known !== undefined) return known;
    // An index that no name has: the address is then said to be in no known network.
    if (this.names.length >= namesMax) return namesMax;
    this.indexes.set(asn, this.names.length);
    this.names.push(name());
    return this.names.length - 1;
  }

  finish(): Names {
    let end = 0;
    const ends = Uint32Array.from(this.names, (name) => (end += Buffer.byteLength(name)));
    return namesOf(Uint32Array.from(this.indexes.keys()), ends, Buffer.from(this.names.join(""), "utf8"));
  }
}

function namesOf(asns: Uint32Array, ends: Uint32Array, text: Buffer): Names {
  return {
    sizeBytes: asns.byteLength + ends.byteLength + text.byteLength,
    at(index) {
      const asn = asns[index];
      if (asn === undefined) return null;
      return { asn, asnName: text.toString("utf8", index === 0 ? 0 : ends[index - 1], ends[index]) };
    },
  };
}
