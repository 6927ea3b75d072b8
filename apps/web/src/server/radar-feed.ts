/**
 * Radar feed: adds up the ticks of all gateways and hands them to whoever watches.
 *
 * A tick goes out as soon as every gateway that is connected has sent one since the last, or 1.5 s after the first,
 * so one gateway's ticks pass through unchanged and a silent gateway holds nobody up. Bytes are added, never dropped.
 *
 * Limits: 1,000 watchers; a slow watcher keeps its 4 newest ticks. It opens no connection; radar-subscriber.ts does.
 */
import type { RadarFeed } from "@karvon/api";
import { AppError } from "@karvon/domain";
import type { LiveCounter, RadarTick } from "@karvon/services";

const watchersMax = 1_000;
const ticksKeptMax = 4;
const waitMsMax = 1_500;

export interface RadarHub extends RadarFeed {
  connected(gatewayId: string): void;
  disconnected(gatewayId: string): void;
  accept(sourceId: string, tick: RadarTick): void;
  /** How many watch now. */
  readonly watching: number;
  /** Ends every watcher's stream. */
  close(): void;
}

interface Watcher {
  readonly ticks: RadarTick[];
  wake: (() => void) | null;
  isOver: boolean;
}

export function createRadarHub(): RadarHub {
  const sources = new Set<string>();
  const pending = new Map<string, RadarTick>();
  const watchers = new Set<Watcher>();
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const tick = addUp([...pending.values()]);
    pending.clear();
    if (tick === null) return;
    for (const watcher of watchers) {
      watcher.ticks.push(tick);
      if (watcher.ticks.length > ticksKeptMax) watcher.ticks.shift();
      watcher.wake?.();
    }
  }

  function flushWhenComplete(): void {
    if (pending.size > 0 && [...sources].every((id) => pending.has(id))) flush();
  }

  return {
    get watching() {
      return watchers.size;
    },
    connected: (id) => void sources.add(id),
    disconnected(id) {
      sources.delete(id);
      flushWhenComplete();
    },
    accept(sourceId, tick) {
      const earlier = pending.get(sourceId);
      pending.set(sourceId, earlier === undefined ? tick : later(earlier, tick));
      timer ??= setTimeout(flush, waitMsMax);
      flushWhenComplete();
    },
    async *follow(signal) {
      if (watchers.size >= watchersMax) throw new AppError("LIMIT_EXCEEDED", "Too many pages watch live at this moment.");
      const watcher: Watcher = { ticks: [], wake: null, isOver: false };
      const stop = () => {
        watcher.isOver = true;
        watcher.wake?.();
      };
      watchers.add(watcher);
      signal.addEventListener("abort", stop, { once: true });
      try {
        while (!watcher.isOver && !signal.aborted) {
          const tick = watcher.ticks.shift();
          if (tick === undefined) await nextTick(watcher);
          else yield tick;
        }
      } finally {
        signal.removeEventListener("abort", stop);
        watchers.delete(watcher);
      }
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      for (const watcher of watchers) {
        watcher.isOver = true;
        watcher.wake?.();
      }
    },
  };
}

function nextTick(watcher: Watcher): Promise<void> {
  return new Promise((resolve) => {
    watcher.wake = () => {
      watcher.wake = null;
      resolve();
    };
  });
}

/** Two ticks of one gateway: what moved is added, what stands is the newer's. */
function later(earlier: RadarTick, newer: RadarTick): RadarTick {
  return {
    ...newer,
    upBytes: earlier.upBytes + newer.upBytes,
    downBytes: earlier.downBytes + newer.downBytes,
    refusals: addCounts(earlier.refusals, newer.refusals),
    clients: addMoved(earlier.clients, newer.clients),
    operators: addMoved(earlier.operators, newer.operators),
    nodes: addMoved(earlier.nodes, newer.nodes),
  };
}

function addMoved(earlier: readonly LiveCounter[], newer: readonly LiveCounter[]): LiveCounter[] {
  const ended = earlier.map((counter) => ({ ...counter, sessionsOpen: 0 }));
  return addCounters([newer, ended]);
}

/** One tick of the whole network. A single gateway's tick stays as it is. */
export function addUp(ticks: readonly RadarTick[]): RadarTick | null {
  const [first, ...rest] = ticks;
  if (first === undefined) return null;
  if (rest.length === 0) return first;
  const sum = (field: "sessionsOpen" | "tunnels" | "upBytes" | "downBytes" | "unflushedBytes") =>
    ticks.reduce((total, tick) => total + tick[field], 0);
  return {
    atMs: Math.max(...ticks.map((tick) => tick.atMs)),
    gatewayId: "network",
    sessionsOpen: sum("sessionsOpen"),
    tunnels: sum("tunnels"),
    upBytes: sum("upBytes"),
    downBytes: sum("downBytes"),
    unflushedBytes: sum("unflushedBytes"),
    flushLagMs: Math.max(...ticks.map((tick) => tick.flushLagMs)),
    refusals: ticks.map((tick) => tick.refusals).reduce(addCounts, {}),
    clients: addCounters(ticks.map((tick) => tick.clients)),
    operators: addCounters(ticks.map((tick) => tick.operators)),
    nodes: addCounters(ticks.map((tick) => tick.nodes)),
  };
}

function addCounts(left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>): Record<string, number> {
  const sum = { ...left };
  for (const [code, count] of Object.entries(right)) sum[code] = (sum[code] ?? 0) + count;
  return sum;
}

function addCounters(lists: readonly (readonly LiveCounter[])[]): LiveCounter[] {
  const sum = new Map<string, LiveCounter>();
  for (const { id, upBytes, downBytes, sessionsOpen } of lists.flat()) {
    const known = sum.get(id);
    sum.set(id, {
      id,
      upBytes: upBytes + (known?.upBytes ?? 0),
      downBytes: downBytes + (known?.downBytes ?? 0),
      sessionsOpen: sessionsOpen + (known?.sessionsOpen ?? 0),
    });
  }
  return [...sum.values()];
}
