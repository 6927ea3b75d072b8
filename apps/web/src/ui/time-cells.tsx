"use client";
import { formatAgo, formatDayAndTime, formatDuration, formatYearAndTime } from "./format-time.ts";
import { useNow } from "./use-now.ts";

/** A moment in the reader's zone, with its year where it may be years away; the exact ISO time is in the title. */
export function Moment({ at, withYear = false }: { at: Date; withYear?: boolean }) {
  return (
    <time dateTime={at.toISOString()} title={at.toISOString()} className="whitespace-nowrap">
      {withYear ? formatYearAndTime(at) : formatDayAndTime(at)}
    </time>
  );
}

/** How long ago, kept up to date. */
export function Ago({ at }: { at: Date }) {
  const nowMs = useNow(5_000);
  return (
    <time dateTime={at.toISOString()} title={formatDayAndTime(at)} className="whitespace-nowrap">
      {nowMs === 0 ? formatDayAndTime(at) : formatAgo(at, nowMs)}
    </time>
  );
}

/** From `from` to `to`, or to now while it still runs. */
export function Length({ from, to }: { from: Date; to: Date | null }) {
  const nowMs = useNow(1_000);
  const endMs = to === null ? nowMs : to.getTime();
  return <span className="whitespace-nowrap">{endMs === 0 ? "" : formatDuration(endMs - from.getTime())}</span>;
}
