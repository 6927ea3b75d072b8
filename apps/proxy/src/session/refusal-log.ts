/**
 * Every refusal under its request id: counted for /metrics, written to the log, queued for the panels.
 *
 * Limits: 10,000 rows wait for the database, then the oldest are dropped and counted; 50 log lines a second unless told
 * otherwise, the rest is only counted. Counting never stops.
 */
import type { RefusalRow } from "@karvon/db/sql";
import type { ProxyErrorCode, Refusal } from "@karvon/domain";
import type { Logger } from "@karvon/telemetry";

export type SpokenProtocol = "http" | "connect" | "socks5" | "unknown";

export interface RefusedFacts {
  readonly requestId: string;
  readonly refusal: Refusal;
  readonly protocol: SpokenProtocol;
  readonly clientId: string | null;
  readonly proxyUserId: string | null;
  readonly targetHost: string | null;
  readonly targetPort: number | null;
  readonly clientAddress: string;
}

export interface RefusalLog {
  add(facts: RefusedFacts): void;
  /** Up to 1,000 rows that wait; give them back with `restore` when they could not be stored. */
  take(): RefusalRow[];
  restore(rows: readonly RefusalRow[]): void;
  readonly counts: ReadonlyMap<ProxyErrorCode, number>;
  /** Refusals since the last call, by code. */
  takeRecent(): Record<string, number>;
  readonly dropped: number;
}

const rowsMax = 10_000;
const rowsPerWrite = 1_000;
const linesPerSecondDefault = 50;
const detailLengthMax = 300;
const hostLengthMax = 255;

export interface RefusalLogOptions {
  readonly gatewayId: string;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly linesPerSecond?: number | undefined;
}

export function createRefusalLog(options: RefusalLogOptions): RefusalLog {
  const linesPerSecond = options.linesPerSecond ?? linesPerSecondDefault;
  const waiting = new WaitingRows();
  let recent: Record<string, number> = {};
  const counts = new Map<ProxyErrorCode, number>();
  const lines = { second: 0, written: 0 };

  function mayWriteLine(atMs: number): boolean {
    const second = Math.floor(atMs / 1_000);
    if (second !== lines.second) {
      lines.second = second;
      lines.written = 0;
    }
    lines.written += 1;
    return lines.written <= linesPerSecond;
  }

  return {
    add(facts) {
      const { code, detail } = facts.refusal;
      const atMs = options.nowMs();
      counts.set(code, (counts.get(code) ?? 0) + 1);
      recent[code] = (recent[code] ?? 0) + 1;
      const row: RefusalRow = {
        id: facts.requestId,
        atMs,
        gatewayId: options.gatewayId,
        clientId: facts.clientId,
        proxyUserId: facts.proxyUserId,
        code,
        detail: storable(detail, detailLengthMax),
        protocol: facts.protocol,
        targetHost: facts.targetHost === null ? null : storable(facts.targetHost, hostLengthMax),
        targetPort: facts.targetPort,
        clientAddress: facts.clientAddress === "" ? null : facts.clientAddress,
      };
      waiting.add(row);
      if (mayWriteLine(atMs)) {
        const { id, atMs: _atMs, gatewayId: _gatewayId, ...rest } = row;
        options.log.info({ event: "session.refused", requestId: id, ...rest });
      }
    },
    take: () => waiting.take(),
    restore: (taken) => waiting.restore(taken),
    counts,
    takeRecent() {
      const taken = recent;
      recent = {};
      return taken;
    },
    get dropped() {
      return waiting.dropped;
    },
  };
}

/** The newest `rowsMax` rows. One that is added or dropped costs the same however many wait. */
class WaitingRows {
  dropped = 0;
  #rows: RefusalRow[] = [];
  /** Where those begin that still wait; what is before them is let go of in one piece. */
  #first = 0;

  add(row: RefusalRow): void {
    this.#rows.push(row);
    this.#keepNewest();
  }

  take(): RefusalRow[] {
    const taken = this.#rows.slice(this.#first, this.#first + rowsPerWrite);
    this.#leave(taken.length);
    return taken;
  }

  restore(taken: readonly RefusalRow[]): void {
    this.#rows = [...taken, ...this.#rows.slice(this.#first)];
    this.#first = 0;
    this.#keepNewest();
  }

  #keepNewest(): void {
    const over = this.#rows.length - this.#first - rowsMax;
    if (over <= 0) return;
    this.dropped += over;
    this.#leave(over);
  }

  #leave(count: number): void {
    this.#first += count;
    if (this.#first < rowsMax && this.#first < this.#rows.length) return;
    this.#rows = this.#rows.slice(this.#first);
    this.#first = 0;
  }
}

/** PostgreSQL refuses NUL in text: one bad name must not spoil a whole batch. */
function storable(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replaceAll("\0", "?");
}
