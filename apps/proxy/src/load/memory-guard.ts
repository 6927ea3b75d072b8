/**
 * Keeps the process inside its memory budget by doing less, in three steps. It looks four times a second and, from the
 * first step on, twenty times; and, whatever the clock says, each time half a percent of the budget has come to wait for
 * readers: a busy process looks late, and one turn of its event loop can read tens of megabytes.
 *
 * From 70 % of the budget on (tight) tunnels grant smaller windows; from 85 % (full) no new session is taken; from 95 %
 * (critical) the sessions that hold the most bytes for readers that do not read are ended until 85 % would be reached. A
 * step is left 5 % below where it was taken.
 *
 * What the allocator has kept for reuse is not counted, and garbage is collected before anybody is refused and as long
 * as they are, at most every 2 s: memory alone stays high long after a rush is over. Nobody is ended for garbage either, not even for what
 * those who were ended just now had held: it is collected before, at most every 250 ms or every percent of the budget that
 * has come to wait.
 *
 * Limits: 1,000 sessions ended at once, none that holds less than 16 KB.
 */
import { type Refusal, refuse } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";
import type { MemoryPressure } from "@karvon/tunnel";
import { totalmem } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { LiveSession } from "../radar/session-log.ts";

export const memoryLevels = ["normal", "tight", "full", "critical"] as const;
export type MemoryLevel = (typeof memoryLevels)[number];

/** Shares of the budget at which each step is taken. */
export const tightShare = 0.7;
export const fullShare = 0.85;
export const criticalShare = 0.95;
const leaveBelow = 0.05;

/** Of the machine's memory, or of the container's limit, when no budget is set. */
export const memoryShareDefault = 0.25;
export const memoryBudgetMinBytes = 256 * 1_048_576;

export const shedAtOnceMax = 1_000;
export const shedHeldBytesMin = 16_384;
export const shedReason = "memory_shed";
export const measureEveryMs = 250;
export const measureUnderPressureMs = 50;
export const collectWhenFullMs = 2_000;
export const collectWhenCriticalMs = 250;
/** Shares of the budget that come to wait for readers until a look, and a collection while memory is critical, is due. */
export const lookAfterShare = 0.005;
export const collectAfterShare = 0.01;
/** The runtime's own code and stacks, and what OpenSSL keeps for a connection: not in V8's figures. */
const baseBytes = 64 * 1_048_576;
const tunnelBytes = 64 * 1_024;

export interface MemoryGuardOptions {
  readonly budgetBytes: number;
  /** Memory in use now, in bytes. */
  readonly readUsedBytes: () => number;
  /** Makes the next reading true where that costs something. */
  readonly collect: () => void;
  readonly listSessions: () => Iterable<LiveSession>;
  readonly monotonicMs: () => number;
  readonly log: Logger;
}

export interface MemoryGuard extends MemoryPressure {
  /** One look, and what follows from it. */
  measure(): void;
  /** Why no new session is taken, or null. */
  refuseSession(): Refusal | null;
  start(): void;
  stop(): void;
  readonly level: MemoryLevel;
  readonly budgetBytes: number;
  readonly usedBytes: number;
  /** Sessions ended for memory since the start. */
  readonly shedCount: number;
}

export function createMemoryGuard(options: MemoryGuardOptions): MemoryGuard {
  return new Guard(options);
}

class Guard implements MemoryGuard {
  level: MemoryLevel = "normal";
  usedBytes = 0;
  shedCount = 0;
  readonly #options: MemoryGuardOptions;
  #timer: NodeJS.Timeout | null = null;
  #collectedAtMs = Number.NEGATIVE_INFINITY;
  /** What has come to wait since the last look, and what had by then since the last collection. */
  #heldSinceLook = 0;
  #heldSinceCollection = 0;
  #isLookDue = false;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  get isHigh(): boolean {
    return this.level !== "normal";
  }

  /** The look follows when whoever calls has returned: it may end the very session that the bytes belong to. */
  readonly noteHeld = (bytes: number): void => {
    this.#heldSinceLook += bytes;
    if (this.#isLookDue || this.#heldSinceLook < this.budgetBytes * lookAfterShare) return;
    this.#isLookDue = true;
    process.nextTick(this.#look);
  };

  readonly #look = (): void => this.measure();

  start(): void {
    const everyMs = this.level === "normal" ? measureEveryMs : measureUnderPressureMs;
    this.#timer = setTimeout(() => {
      this.measure();
      this.start();
    }, everyMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  measure(): void {
    const { budgetBytes, readUsedBytes } = this.#options;
    this.#isLookDue = false;
    this.#heldSinceCollection += this.#heldSinceLook;
    this.#heldSinceLook = 0;
    this.usedBytes = readUsedBytes();
    const isFresh = this.#collectWhenDue();
    if (isFresh) this.usedBytes = readUsedBytes();
    const level = judgeMemory(this.usedBytes / budgetBytes, this.level);
    if (level !== this.level) this.#note(level);
    this.level = level;
    if (level === "critical" && isFresh) this.#shed(this.usedBytes - budgetBytes * fullShare);
  }

  refuseSession(): Refusal | null {
    if (this.level === "normal" || this.level === "tight") return null;
    return refuse("overloaded", "the gateway's memory is in use");
  }

  #collectWhenDue(): boolean {
    const level = judgeMemory(this.usedBytes / this.budgetBytes, this.level);
    if (level !== "full" && level !== "critical") return false;
    const nowMs = this.#options.monotonicMs();
    const isDueByTime = nowMs - this.#collectedAtMs >= (level === "full" ? collectWhenFullMs : collectWhenCriticalMs);
    const isDueByBytes = level === "critical" && this.#heldSinceCollection >= this.budgetBytes * collectAfterShare;
    if (!isDueByTime && !isDueByBytes) return false;
    this.#collectedAtMs = nowMs;
    this.#heldSinceCollection = 0;
    this.#options.collect();
    return true;
  }

  /** Ends those that hold the most until `bytes` are free. Their readers are the ones that do not read. */
  #shed(bytes: number): void {
    const holders: { session: LiveSession; heldBytes: number }[] = [];
    for (const session of this.#options.listSessions()) {
      const { heldBytes } = session.stream;
      if (heldBytes >= shedHeldBytesMin) holders.push({ session, heldBytes });
    }
    holders.sort((a, b) => b.heldBytes - a.heldBytes);
    let freed = 0;
    let ended = 0;
    for (const { session, heldBytes } of holders.slice(0, shedAtOnceMax)) {
      if (freed >= bytes) break;
      freed += heldBytes;
      ended += 1;
      session.line.cut(shedReason);
    }
    this.shedCount += ended;
    if (ended > 0) this.#options.log.warn({ event: "memory.shed", sessions: ended, freedBytes: freed });
  }

  #note(level: MemoryLevel): void {
    const facts = { memoryLevel: level, before: this.level, usedBytes: this.usedBytes, budgetBytes: this.budgetBytes };
    if (level === "normal" || level === "tight") this.#options.log.info({ event: "memory.level", ...facts });
    else this.#options.log.warn({ event: "memory.level", ...facts });
  }
}

/** The step for a share of the budget, given the step that is taken now. */
export function judgeMemory(share: number, now: MemoryLevel): MemoryLevel {
  const steps = [
    { level: "critical", from: criticalShare },
    { level: "full", from: fullShare },
    { level: "tight", from: tightShare },
  ] as const;
  const rank = memoryLevels.indexOf(now);
  for (const { level, from } of steps) {
    const isTaken = memoryLevels.indexOf(level) <= rank;
    if (share >= (isTaken ? from - leaveBelow : from)) return level;
  }
  return "normal";
}

/** A quarter of what the machine or its container has, shared out among its gateway processes. */
export function defaultMemoryBudgetBytes(processes: number): number {
  const constrained = process.constrainedMemory();
  const availableBytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(memoryBudgetMinBytes, Math.floor((availableBytes * memoryShareDefault) / processes));
}

export function readUsedMemoryBytes(countTunnels: () => number): number {
  const { rss, heapUsed, external } = process.memoryUsage();
  return Math.min(rss, heapUsed + external + baseBytes + countTunnels() * tunnelBytes);
}

let collector: unknown = null;

/** A whole collection now. The flag is set when it is needed first; V8 offers no other way in. */
export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString("--expose-gc");
    collector = runInNewContext("gc");
    setFlagsFromString("--no-expose-gc");
  }
  if (typeof collector === "function") Reflect.apply(collector, undefined, []);
}
