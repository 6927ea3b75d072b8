/**
 * Readers for single values of the environment. Each returns the value or a reason, never throws,
 * and the reason completes the sentence "NAME is wrong: ...".
 */
import { isIP, isIPv6 } from "node:net";

/** When totals are written to the usage journal: before the bytes leave, every so many milliseconds, or never. */
export type JournalMode = "turn" | "off" | { readonly tickMs: number };

export type ValueReading<T> = { kind: "value"; value: T } | { kind: "wrong"; reason: string };

const wrong = (reason: string): { kind: "wrong"; reason: string } => ({ kind: "wrong", reason });

/** A whole number from 0 to 65535; 0 asks the system for any free port. */
export function readPort(text: string): ValueReading<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) return wrong(`"${text}" is not a port; use a number from 0 to 65535 (0 takes any free port)`);
  return { kind: "value", value: port };
}

/** First and last port of a range, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const portListMax = 64;
const portRangeMax = 4_096;

/** A comma-separated list of different ports from 1 to 65535; at most 64. */
export function readPortList(text: string): ValueReading<readonly number[]> {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length > portListMax) return wrong(`it has ${entries.length} ports; use ${portListMax} at most`);
  const ports = entries.map((entry) => readFixedPort(entry));
  const at = ports.findIndex((port, index) => port === null || ports.indexOf(port) !== index);
  if (at >= 0) return wrong(`"${entries[at]}" is not a port, or stands there twice; use a list such as 7777,8000`);
  return { kind: "value", value: ports.filter((port) => port !== null) };
}

/** `10000-10999`: at most 4,096 ports. */
export function readPortRange(text: string): ValueReading<PortRange> {
  const [first, last] = text.split("-").map((part) => readFixedPort(part.trim()));
  if (first === undefined || first === null || last === undefined || last === null || first > last || text.split("-").length !== 2)
    return wrong(`"${text}" is not a range of ports; use the form 10000-10999`);
  if (last - first >= portRangeMax) return wrong(`it spans ${last - first + 1} ports; use ${portRangeMax} at most`);
  return { kind: "value", value: { first, last } };
}

function readFixedPort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

export function readCount(text: string, min: number, max: number): ValueReading<number> {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= min && count <= max)) return wrong(`"${text}" is not a number from ${min} to ${max}`);
  return { kind: "value", value: count };
}

/** Exactly "1" or "0", so that a typing slip never turns the demo on. */
export function readSwitch(text: string): ValueReading<boolean> {
  if (text === "1" || text === "0") return { kind: "value", value: text === "1" };
  return wrong(`"${text}" is neither 1 nor 0; use 1 for on and 0 for off`);
}

/** An absolute URL with one of the given protocols (each with its colon). */
export function readUrl(text: string, protocols: readonly string[]): ValueReading<string> {
  const list = protocols.map((protocol) => `${protocol}//`).join(" or ");
  // The text is not repeated: a database or mail URL may hold a password.
  if (!URL.canParse(text)) return wrong(`it is not a URL; use one that starts with ${list}`);
  if (!protocols.includes(new URL(text).protocol)) return wrong(`it has another protocol; use a URL that starts with ${list}`);
  return { kind: "value", value: text };
}

/** A host name or an address without port, as it stands in the lines that users copy. */
export function readHost(text: string): ValueReading<string> {
  const isName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(text);
  if (isName || isIP(text) !== 0) return { kind: "value", value: text };
  return wrong(`"${text}" is not a host; use a name or an address without port`);
}

/** An address of this machine, or one that stands for all of them. */
export function readAddress(text: string): ValueReading<string> {
  if (isIP(text) !== 0) return { kind: "value", value: text };
  return wrong(`"${text}" is not an address; use one such as 127.0.0.1, or 0.0.0.0 for all`);
}

/** An e-mail address, in lower case. Whether mail arrives there is found out by sending some. */
export function readEmail(text: string): ValueReading<string> {
  if (/^[^\s@<>,]+@[^\s@<>,]+$/.test(text) && text.length <= 254) return { kind: "value", value: text.toLowerCase() };
  return wrong(`"${text}" is not an e-mail address`);
}

function isBlock(text: string): boolean {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  if (isIP(address) === 0) return false;
  if (slash === -1) return true;
  const length = text.slice(slash + 1);
  return /^\d{1,3}$/.test(length) && Number(length) <= (isIPv6(address) ? 128 : 32);
}

function isAddressWithPort(text: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (!match) return false;
  const [, v6, v4, port] = match;
  const isAddress = v6 === undefined ? isIP(v4 ?? "") === 4 : isIPv6(v6);
  return isAddress && Number(port) >= 1 && Number(port) <= 65_535;
}

const entriesMax = 256;

function readList(text: string, accepts: (entry: string) => boolean, shape: string): ValueReading<string[]> {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length > entriesMax) return wrong(`it has ${entries.length} entries; use ${entriesMax} at most`);
  const bad = entries.find((entry) => !accepts(entry));
  if (bad !== undefined) return wrong(`"${bad}" is not ${shape}`);
  return { kind: "value", value: entries };
}

/** A comma-separated list of addresses and CIDR blocks; at most 256 entries. */
export function readBlocks(text: string): ValueReading<string[]> {
  return readList(text, isBlock, "an address or CIDR block; use the form 10.0.0.0/8, or ::1/128");
}

/** As readBlocks, and also `address:port` (IPv6 in brackets). */
export function readEgress(text: string): ValueReading<string[]> {
  return readList(
    text,
    (entry) => isBlock(entry) || isAddressWithPort(entry),
    "a CIDR block or address:port; use the form 127.0.0.1/32, 127.0.0.1:8080 or [::1]:8080",
  );
}

/** `turn`, `off`, or `tick:` and 1 to 60000 milliseconds. */
export function readJournalMode(text: string): ValueReading<JournalMode> {
  if (text === "turn" || text === "off") return { kind: "value", value: text };
  const tickMs = /^tick:\d{1,5}$/.test(text) ? Number(text.slice("tick:".length)) : 0;
  if (tickMs < 1 || tickMs > 60_000) return wrong(`"${text}" is no journal mode; use turn, off, or tick: and 1 to 60000 milliseconds`);
  return { kind: "value", value: { tickMs } };
}
