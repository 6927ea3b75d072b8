"use client";
import { Area, AreaChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatTime } from "../format-time.ts";
import { formatRate } from "../format.ts";
import { useNow } from "../use-now.ts";
import { axisTick, gridStroke, niceCeiling, seriesColors } from "./chart-theme.ts";
import { ChartTooltip, Legend } from "./chart-tooltip.tsx";

/** One second of traffic, in bytes. */
export interface LivePoint {
  readonly atMs: number;
  readonly up: number;
  readonly down: number;
}

const windowMs = 120_000;
/** A longer silence than this is drawn as a gap. */
const gapMs = 2_500;
/** The axis of a silent chart ends here. */
const quietTop = 1_000;

interface Drawn {
  readonly atMs: number;
  readonly up: number | null;
  readonly down: number | null;
}

/** The last two minutes, moving on with the clock: a stream that stopped is seen sliding away. */
export function LiveChart({ points }: { points: readonly LivePoint[] }) {
  const nowMs = useNow(1_000);
  const { down, up, atMs } = points.at(-1) ?? { down: 0, up: 0, atMs: 0 };
  const endMs = Math.max(nowMs, atMs);
  return (
    <div>
      <Legend
        items={[
          { name: "Down", color: seriesColors.a, text: formatRate(down) },
          { name: "Up", color: seriesColors.b, text: formatRate(up) },
        ]}
      />
      <div
        className="mt-2 h-52"
        role="img"
        aria-label={`Traffic of the last two minutes: ${formatRate(down)} down, ${formatRate(up)} up now`}
      >
        <Plot points={points.filter((point) => point.atMs >= endMs - windowMs)} endMs={endMs} />
      </div>
    </div>
  );
}

function Plot({ points, endMs }: { points: readonly LivePoint[]; endMs: number }) {
  const startMs = endMs - windowMs;
  const top = niceCeiling(
    points.reduce((max, point) => Math.max(max, point.up, point.down), 0),
    quietTop,
  );
  const area = { type: "linear", strokeWidth: 1.75, isAnimationActive: false, connectNulls: false } as const;
  return (
    <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 600, height: 208 }}>
      <AreaChart data={withGaps(points)} margin={{ top: 6, right: 0, bottom: 0, left: 0 }}>
        <CartesianGrid stroke={gridStroke} strokeDasharray="2 4" vertical={false} />
        <XAxis
          height={20}
          dataKey="atMs"
          type="number"
          domain={[startMs, endMs]}
          allowDataOverflow
          ticks={[0, 1, 2, 3, 4].map((quarter) => startMs + (quarter * windowMs) / 4)}
          tickFormatter={(atMs: number) => tickText(atMs, endMs)}
          tick={axisTick}
          axisLine={{ stroke: gridStroke }}
          tickLine={false}
          interval="preserveStartEnd"
        />
        <YAxis
          width={74}
          orientation="right"
          domain={[0, top]}
          ticks={[0, top / 2, top]}
          tickFormatter={formatRate}
          tick={axisTick}
          axisLine={false}
          tickLine={false}
        />
        <Tooltip cursor={{ stroke: "var(--faint)", strokeDasharray: "2 3" }} isAnimationActive={false} content={<LiveTooltip />} />
        <Area {...area} dataKey="down" stroke={seriesColors.a} fill={seriesColors.a} fillOpacity={0.13} />
        <Area {...area} dataKey="up" stroke={seriesColors.b} fill={seriesColors.b} fillOpacity={0.1} />
      </AreaChart>
    </ResponsiveContainer>
  );
}

/** Recharts hands the hovered point to its copy of this element. */
function LiveTooltip({ payload }: { payload?: readonly { payload?: unknown }[] }) {
  const point = payload?.[0]?.payload;
  if (!isLivePoint(point)) return null;
  return (
    <ChartTooltip
      title={formatTime(point.atMs)}
      rows={[
        { name: "Down", text: formatRate(point.down), color: seriesColors.a },
        { name: "Up", text: formatRate(point.up), color: seriesColors.b },
      ]}
    />
  );
}

function isLivePoint(point: unknown): point is LivePoint {
  return typeof point === "object" && point !== null && "atMs" in point && "up" in point && typeof point.up === "number";
}

/** Puts an empty point into each silence, so that no line is drawn across it. */
function withGaps(points: readonly LivePoint[]): Drawn[] {
  const drawn: Drawn[] = [];
  for (const point of points) {
    const before = drawn.at(-1);
    if (before !== undefined && point.atMs - before.atMs > gapMs) drawn.push({ atMs: before.atMs + 1, up: null, down: null });
    drawn.push(point);
  }
  return drawn;
}

function tickText(atMs: number, endMs: number): string {
  const seconds = Math.round((endMs - atMs) / 1_000);
  return seconds === 0 ? "now" : `-${seconds} s`;
}
