/** Addresses of CSV rows as 32-bit words, read from bytes. Each returns false, or -1, when the bytes are not one. */
const colon = 0x3a;

export function toWords(address: Uint8Array): Uint32Array {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  return Uint32Array.from({ length: address.length / 4 }, (_, i) => view.getUint32(i * 4));
}

export function readDecimal(buffer: Buffer, start: number, end: number): number {
  if (end <= start || end - start > 10) return -1;
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const digit = (buffer[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= 0xffff_ffff ? value : -1;
}

export function readIpv4Words(buffer: Buffer, start: number, end: number, words: Uint32Array): boolean {
  const value = readDecimal(buffer, start, end);
  words[0] = value;
  return value >= 0;
}

/** Groups of hexadecimal digits with at most one "::" (RFC 4291 section 2.2), without a dotted tail. */
export function readIpv6Words(buffer: Buffer, start: number, end: number, words: Uint32Array): boolean {
  words.fill(0);
  let group = 0;
  let gap = -1;
  let at = start;
  while (at < end) {
    if (buffer[at] === colon) {
      // At a single colon the next character is a group's; at a double one, the zeros that it stands for.
      const isDouble = buffer[at + 1] === colon;
      if (isDouble && gap >= 0) return false;
      if (isDouble) gap = group;
      at += isDouble ? 2 : 1;
    } else {
      const value = readGroup(buffer, at, end);
      if (value < 0 || group >= 8) return false;
      setGroup(words, group, value);
      group += 1;
      at = groupEnd(buffer, at, end);
    }
  }
  if (gap >= 0) moveTail(words, gap, group);
  return gap >= 0 ? group < 8 : group === 8;
}

function groupEnd(buffer: Buffer, start: number, end: number): number {
  const found = buffer.indexOf(colon, start);
  return found < 0 || found > end ? end : found;
}

function readGroup(buffer: Buffer, start: number, end: number): number {
  let value = 0;
  let at = start;
  for (; at < end && buffer[at] !== colon; at += 1) {
    const digit = hexDigit(buffer[at] ?? 0);
    if (digit < 0 || at - start >= 4) return -1;
    value = value * 16 + digit;
  }
  return at === start ? -1 : value;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function getGroup(words: Uint32Array, group: number): number {
  const word = words[group >> 1] ?? 0;
  return (group & 1) === 0 ? word >>> 16 : word & 0xffff;
}

function setGroup(words: Uint32Array, group: number, value: number): void {
  const word = words[group >> 1] ?? 0;
  words[group >> 1] = (group & 1) === 0 ? (word & 0xffff) | (value << 16) : (word & 0xffff_0000) | value;
}

/** The groups after "::" belong at the end of the address. */
function moveTail(words: Uint32Array, gap: number, groups: number): void {
  for (let i = groups - 1, target = 7; i >= gap; i -= 1, target -= 1) {
    const value = getGroup(words, i);
    setGroup(words, i, 0);
    setGroup(words, target, value);
  }
}
