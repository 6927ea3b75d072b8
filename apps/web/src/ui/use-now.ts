"use client";
import { useSyncExternalStore } from "react";

interface Clock {
  readonly subscribe: (listener: () => void) => () => void;
  readonly read: () => number;
}

/** One timer for every reader of the same interval, however many rows a table has. */
const clocks = new Map<number, Clock>();

/** The present moment, renewed every `everyMs`. 0 on a server and while hydrating, so that both write no time. */
export function useNow(everyMs = 1_000): number {
  const clock = clocks.get(everyMs) ?? startClock(everyMs);
  return useSyncExternalStore(clock.subscribe, clock.read, () => 0);
}

function startClock(everyMs: number): Clock {
  const listeners = new Set<() => void>();
  let nowMs = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = () => {
    nowMs = Date.now();
    for (const listener of listeners) listener();
  };
  const clock: Clock = {
    read: () => nowMs,
    subscribe: (listener) => {
      listeners.add(listener);
      if (timer === undefined) {
        nowMs = Date.now();
        timer = setInterval(tick, everyMs);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
  clocks.set(everyMs, clock);
  return clock;
}
