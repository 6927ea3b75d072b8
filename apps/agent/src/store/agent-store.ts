/**
 * The agent's folder: `identity.json` (with the private key), `counters.json`, and `withdrawn.json` once the owner has
 * withdrawn. The folder is 0700 and every file 0600.
 *
 * Files are replaced whole (written beside, then renamed), so a crash leaves the old or the new one. The session
 * number is on the disk before it is used: a number that was used twice would be refused as a copied key. Losing
 * `counters.json` loses the day's count and nothing else, because the session number never falls behind the clock.
 */
import { chmodSync, existsSync, fsyncSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type AgentIdentity, readIdentity, writeIdentity } from "./identity.ts";
import { countOf, parseObject, textOf } from "./json.ts";

export interface DayCount {
  /** The device's calendar day, "2026-11-23". */
  readonly day: string;
  readonly bytes: number;
}

export interface AgentStore {
  readonly folder: string;
  readonly identity: AgentIdentity;
  /** Greater than every number it gave before. */
  nextSessionSeq(): number;
  readDay(): DayCount;
  saveDay(count: DayCount): void;
  isWithdrawn(): boolean;
  /** From now on no `run` serves, also one that is running now. `isTold`: the gateway knows. */
  markWithdrawn(isTold: boolean): void;
}

/** A sentence for the owner: what is wrong with the folder. */
export class AgentStoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentStoreError";
  }
}

const identityName = "identity.json";
const countersName = "counters.json";
const withdrawnName = "withdrawn.json";

export function hasIdentity(folder: string): boolean {
  return existsSync(join(folder, identityName));
}

/** Makes the folder if needed and finds out now, not after enrolment, that it cannot be written. */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    replaceFile(folder, "probe.json", "{}\n");
  } catch (cause) {
    throw new AgentStoreError(`The folder ${folder} cannot be written.`, { cause });
  }
}

/** Keeps a new identity; one that is there already is replaced, and its withdrawal forgotten. */
export function createAgentStore(folder: string, identity: AgentIdentity): AgentStore {
  prepareFolder(folder);
  replaceFile(folder, countersName, "{}\n");
  replaceFile(folder, withdrawnName, "{}\n");
  replaceFile(folder, identityName, writeIdentity(identity));
  return openAgentStore(folder);
}

/** Throws AgentStoreError when the device is not enrolled or its file is broken. */
export function openAgentStore(folder: string): AgentStore {
  if (!hasIdentity(folder))
    throw new AgentStoreError(`This device is not enrolled (nothing in ${folder}). Run: karvon-agent enroll <code>`);
  const identity = readIdentity(readText(folder, identityName));
  if (!identity) throw new AgentStoreError(`${join(folder, identityName)} is damaged. Enrol this device again with a new code.`);
  const counters = parseObject(readText(folder, countersName));
  let sessionSeq = countOf(counters, "sessionSeq") ?? 0;
  let day: DayCount = { day: textOf(counters, "day") ?? "", bytes: countOf(counters, "dayBytes") ?? 0 };
  function save(isUrgent: boolean): void {
    replaceFile(folder, countersName, `${JSON.stringify({ sessionSeq, day: day.day, dayBytes: day.bytes })}\n`, isUrgent);
  }
  return {
    folder,
    identity,
    nextSessionSeq() {
      sessionSeq = Math.max(sessionSeq + 1, Math.floor(Date.now() / 1_000));
      save(true);
      return sessionSeq;
    },
    readDay: () => day,
    saveDay(count) {
      day = count;
      save(false);
    },
    isWithdrawn: () => countOf(parseObject(readText(folder, withdrawnName)), "atMs") !== null,
    markWithdrawn: (isTold) => replaceFile(folder, withdrawnName, `${JSON.stringify({ atMs: Date.now(), isTold })}\n`, true),
  };
}

function readText(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    throw new AgentStoreError(`${join(folder, name)} cannot be read.`, { cause });
  }
}

function replaceFile(folder: string, name: string, text: string, isUrgent = true): void {
  const beside = join(folder, `${name}.new`);
  const file = openSync(beside, "w", 0o600);
  try {
    writeSync(file, text);
    if (isUrgent) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, join(folder, name));
}
