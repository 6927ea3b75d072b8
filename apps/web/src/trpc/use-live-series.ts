"use client";
/**
 * Keeps the last two minutes of a live subscription as plain points, and says how fresh they are.
 *
 * A second without a tick is a gap in time, not a zero: the chart shows nothing there. At most 120 points are kept.
 * Silence of more than 3 s is told as stale; a stream that failed is opened again by tRPC and told as lost meanwhile.
 */
import { useCallback, useState } from "react";
import type { LivePoint } from "#ui/charts/live-chart.tsx";
import type { Liveness } from "#ui/live-badge.tsx";
import { useNow } from "#ui/use-now.ts";

const pointsMax = 120;
const staleAfterMs = 3_500;
/** A stream that has not begun by then is told as lost, though it is still being tried. */
const connectWithinMs = 6_000;

interface Tick {
  readonly atMs: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

interface Series<T extends Tick> {
  readonly last: T | null;
  readonly points: readonly LivePoint[];
  readonly receivedAtMs: number;
}

export function useLiveSeries<T extends Tick>() {
  const [series, setSeries] = useState<Series<T>>({ last: null, points: [], receivedAtMs: 0 });
  const add = useCallback((tick: T) => {
    setSeries((before) => ({ last: tick, points: append(before.points, tick), receivedAtMs: Date.now() }));
  }, []);
  return { ...series, add };
}

function append(points: readonly LivePoint[], tick: Tick): readonly LivePoint[] {
  const last = points.at(-1);
  if (last !== undefined && tick.atMs <= last.atMs) return points;
  return [...points, { atMs: tick.atMs, up: tick.upBytes, down: tick.downBytes }].slice(-pointsMax);
}

/** `status` is the subscription's: tRPC says "pending" while a stream is open. */
export function useLiveness(status: string, receivedAtMs: number): Liveness {
  const nowMs = useNow(1_000);
  const [openedAtMs] = useState(() => Date.now());
  if (status === "error") return { kind: "lost" };
  if (receivedAtMs === 0) return { kind: nowMs - openedAtMs > connectWithinMs ? "lost" : "connecting" };
  const silentMs = nowMs - receivedAtMs;
  if (silentMs > staleAfterMs)
    return status === "connecting" ? { kind: "lost" } : { kind: "stale", forSeconds: Math.floor(silentMs / 1_000) };
  return { kind: "live" };
}
