/**
 * Reads MaxMind DB files (format 2.0), straight from the file and with bounded memory.
 *
 * It finds the record of one address; it does not know what the record means (see read-city.ts and the ASN reader).
 * A damaged file gives an `MmdbError`, never an endless loop. Source: maxmind.github.io/MaxMind-DB.
 *
 * Limits: metadata in the last 128 KiB; a record has at most 4,096 values, 16 deep; 64 KiB a text.
 */
import { type PagedFile, openPagedFile } from "./paged-file.ts";

const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from("MaxMind.com", "latin1")]);
const metadataBytesMax = 128 * 1_024;
const depthMax = 16;
const valuesMax = 4_096;
const textBytesMax = 65_536;
/** Between the search tree and the data stand 16 zero bytes. */
const separatorBytes = 16;

export class MmdbError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MmdbError";
  }
}

export type MmdbValue = string | number | bigint | boolean | Buffer | readonly MmdbValue[] | MmdbRecord;
export interface MmdbRecord {
  readonly [key: string]: MmdbValue;
}

export interface Mmdb {
  /** 4: the file knows IPv4 only, and would answer an IPv6 address wrongly. 6: both. */
  readonly ipVersion: 4 | 6;
  readonly databaseType: string;
  readonly builtAt: Date;
  /** The record of an address in network byte order (4 or 16 bytes), or null. IPv6 in an IPv4 file is always null. */
  find(address: Uint8Array): MmdbRecord | null;
  close(): void;
}

/** Opens a database. Throws MmdbError when the file is not one, and the system's error when it cannot be read. */
export function openMmdb(path: string): Mmdb {
  const file = openPagedFile(path);
  try {
    return readMmdb(file, path);
  } catch (cause) {
    file.close();
    if (cause instanceof MmdbError) throw cause;
    throw new MmdbError(`${path} is not a readable MaxMind DB file`, { cause });
  }
}

function readMmdb(file: PagedFile, path: string): Mmdb {
  const metadata = readMetadata(file, path);
  const { nodeCount, recordBits, ipVersion } = readShape(metadata, path);
  const nodeBytes = recordBits / 4;
  const dataStart = nodeCount * nodeBytes + separatorBytes;
  if (dataStart > file.sizeBytes) throw new MmdbError(`${path} is cut short`);

  function child(node: number, bit: number): number {
    return readChild(file.bytes(node * nodeBytes, nodeBytes), recordBits, bit);
  }
  // In a file for both families IPv4 lives under ::/96; that node is the same for every look-up.
  let ipv4Root = 0;
  if (ipVersion === 6) for (let i = 0; i < 96 && ipv4Root < nodeCount; i += 1) ipv4Root = child(ipv4Root, 0);

  const type = metadata["database_type"];
  return {
    ipVersion,
    databaseType: typeof type === "string" ? type : "",
    builtAt: new Date(number(metadata, "build_epoch") * 1_000),
    find(address) {
      if (address.length === 16 && ipVersion === 4) return null;
      let node = address.length === 4 ? ipv4Root : 0;
      for (let i = 0; i < address.length * 8 && node < nodeCount; i += 1) {
        node = child(node, ((address[i >> 3] ?? 0) >> (7 - (i & 7))) & 1);
      }
      if (node <= nodeCount) return null;
      const value = decodeAt(file, dataStart, dataStart + node - nodeCount - separatorBytes);
      return isRecord(value) ? value : null;
    },
    close: () => file.close(),
  };
}

function readMetadata(file: PagedFile, path: string): MmdbRecord {
  const tailBytes = Math.min(metadataBytesMax, file.sizeBytes);
  const found = file.bytes(file.sizeBytes - tailBytes, tailBytes).lastIndexOf(marker);
  if (found < 0) throw new MmdbError(`${path} is not a MaxMind DB file: its metadata is missing`);
  const start = file.sizeBytes - tailBytes + found + marker.length;
  const metadata = decodeAt(file, start, start);
  if (!isRecord(metadata)) throw new MmdbError(`${path} has damaged metadata`);
  return metadata;
}

function readShape(metadata: MmdbRecord, path: string): { nodeCount: number; recordBits: 24 | 28 | 32; ipVersion: 4 | 6 } {
  const recordBits = number(metadata, "record_size");
  const ipVersion = number(metadata, "ip_version");
  if (recordBits !== 24 && recordBits !== 28 && recordBits !== 32) throw new MmdbError(`${path} has an unknown record size`);
  if (ipVersion !== 4 && ipVersion !== 6) throw new MmdbError(`${path} has an unknown IP version`);
  return { nodeCount: number(metadata, "node_count"), recordBits, ipVersion };
}

function readChild(node: Buffer, recordBits: number, bit: number): number {
  if (recordBits === 24) return node.readUIntBE(bit * 3, 3);
  if (recordBits === 32) return node.readUInt32BE(bit * 4);
  // 28 bits: the byte in the middle holds the top four bits of both records.
  const middle = node.readUInt8(3);
  return bit === 0 ? ((middle & 0xf0) << 20) | node.readUIntBE(0, 3) : ((middle & 0x0f) << 24) | node.readUIntBE(4, 3);
}

interface Decoded {
  readonly value: MmdbValue;
  readonly next: number;
}
interface Head {
  readonly type: number;
  readonly size: number;
  /** Where the payload starts. */
  readonly at: number;
}

/** Where values are read, and how many more of them one record may hold (a pointer may point back to its own map). */
interface Section {
  readonly file: PagedFile;
  /** Pointers count from here: the start of the data section, or of the metadata. */
  readonly base: number;
  valuesLeft: number;
}

function decodeAt(file: PagedFile, base: number, at: number): MmdbValue {
  return decode({ file, base, valuesLeft: valuesMax }, at, 0).value;
}

function decode(section: Section, at: number, depth: number): Decoded {
  section.valuesLeft -= 1;
  if (depth > depthMax || section.valuesLeft < 0) throw new MmdbError("a record is nested too deeply or too large");
  const control = section.file.bytes(at, 1).readUInt8(0);
  if (control >> 5 === 1) return followPointer(section, at, control, depth);
  const head = readHead(section.file, at, control);
  if (head.type === 7 || head.type === 11) return decodeCollection(section, head, depth);
  if (head.type === 14) return { value: head.size === 1, next: head.at };
  if (head.size > textBytesMax) throw new MmdbError("a value is too long");
  return { value: readScalar(head.type, section.file.bytes(head.at, head.size)), next: head.at + head.size };
}

function followPointer(section: Section, at: number, control: number, depth: number): Decoded {
  const extra = ((control >> 3) & 3) + 1;
  const low = section.file.bytes(at + 1, extra).readUIntBE(0, extra);
  const high = control & 7;
  const offsets = [high * 0x100 + low, high * 0x1_0000 + low + 2_048, high * 0x100_0000 + low + 526_336, low];
  const target = section.base + (offsets[extra - 1] ?? 0);
  return { value: decode(section, target, depth + 1).value, next: at + 1 + extra };
}

function readHead(file: PagedFile, at: number, control: number): Head {
  let cursor = at + 1;
  let type = control >> 5;
  if (type === 0) {
    type = 7 + file.bytes(cursor, 1).readUInt8(0);
    cursor += 1;
  }
  const short = control & 0x1f;
  if (short < 29) return { type, size: short, at: cursor };
  const extra = short - 28;
  const more = file.bytes(cursor, extra).readUIntBE(0, extra);
  const floor = [29, 285, 65_821][extra - 1] ?? 0;
  return { type, size: floor + more, at: cursor + extra };
}

function decodeCollection(section: Section, head: Head, depth: number): Decoded {
  if (head.size > section.valuesLeft) throw new MmdbError("a map or array is too long");
  let next = head.at;
  function take(): MmdbValue {
    const item = decode(section, next, depth + 1);
    next = item.next;
    return item.value;
  }
  if (head.type === 11) return { value: Array.from({ length: head.size }, take), next };
  const entries: [string, MmdbValue][] = [];
  for (let i = 0; i < head.size; i += 1) {
    const key = take();
    if (typeof key !== "string") throw new MmdbError("a key is not a text");
    entries.push([key, take()]);
  }
  return { value: Object.fromEntries(entries), next };
}

/** Values whose bytes stand for themselves. Numbers beyond 2^48 become bigint. */
function readScalar(type: number, raw: Buffer): MmdbValue {
  switch (type) {
    case 2:
      return raw.toString("utf8");
    case 3:
      return raw.readDoubleBE(0);
    case 4:
      return Buffer.from(raw);
    case 8:
      return raw.length === 4 ? raw.readInt32BE(0) : unsigned(raw);
    case 5:
    case 6:
    case 9:
    case 10:
      return unsigned(raw);
    case 15:
      return raw.readFloatBE(0);
    default:
      throw new MmdbError(`unknown value type ${type}`);
  }
}

function unsigned(raw: Buffer): number | bigint {
  if (raw.length > 6) return BigInt(`0x${raw.toString("hex")}`);
  return raw.length === 0 ? 0 : raw.readUIntBE(0, raw.length);
}

export function isRecord(value: MmdbValue | undefined): value is MmdbRecord {
  return typeof value === "object" && !Array.isArray(value) && !Buffer.isBuffer(value);
}

function number(record: MmdbRecord, key: string): number {
  const value = record[key];
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "number") throw new MmdbError(`metadata has no ${key}`);
  return value;
}
