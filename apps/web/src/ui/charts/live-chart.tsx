"use client";
import { Area, AreaChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatTime } from "../format-time.ts";
import { formatBytes, formatRate } from "../format.ts";
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

interface Drawn {
  readonly atMs: number;
  readonly up: number | null;
  readonly down: number | null;
}

/** The last two minutes, moving on with the clock: a stream that stopped is seen sliding away. */
export function LiveChart({
  points,
  downName = "Down",
  upName = "Up",
}: {
  points: readonly LivePoint[];
  downName?: string;
  upName?: string;
}) {
  const nowMs = useNow(1_000);
  const last = points.at(-1);
  const endMs = Math.max(nowMs, last?.atMs ?? 0);
  const shown = points.filter((point) => point.atMs >= endMs - windowMs);
  const top = niceCeiling(shown.reduce((max, point) => Math.max(max, point.up, point.down), 0) || 1_000);
  return (
    <div>
      <Legend
        items={[
          { name: downName, color: seriesColors.a, text: formatRate(last?.down ?? 0) },
          { name: upName, color: seriesColors.b, text: formatRate(last?.up ?? 0) },
        ]}
      />
      <div
        className="mt-2 h-52"
        role="img"
        aria-label={`Traffic of the last two minutes: ${formatRate(last?.down ?? 0)} down, ${formatRate(last?.up ?? 0)} up now`}
      >
        <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 600, height: 208 }}>
          <AreaChart data={withGaps(shown)} margin={{ top: 6, right: 0, bottom: 0, left: 0 }}>
            <CartesianGrid stroke={gridStroke} strokeDasharray="2 4" vertical={false} />
            <XAxis
              dataKey="atMs"
              type="number"
              domain={[endMs - windowMs, endMs]}
              allowDataOverflow
              ticks={[0, 1, 2, 3, 4].map((quarter) => endMs - windowMs + (quarter * windowMs) / 4)}
              tickFormatter={(atMs: number) => tickText(atMs, endMs)}
              tick={axisTick}
              axisLine={{ stroke: gridStroke }}
              tickLine={false}
              interval="preserveStartEnd"
            />
            <YAxis
              domain={[0, top]}
              ticks={[0, top / 2, top]}
              tickFormatter={(bytes: number) => formatBytes(bytes)}
              tick={axisTick}
              axisLine={false}
              tickLine={false}
              width={62}
              orientation="right"
            />
            <Tooltip
              cursor={{ stroke: "var(--faint)", strokeDasharray: "2 3" }}
              isAnimationActive={false}
              content={({ payload }) => {
                const point: unknown = payload[0]?.payload;
                return isDrawn(point) ? <LiveTooltip point={point} downName={downName} upName={upName} /> : null;
              }}
            />
            <Area
              type="linear"
              dataKey="down"
              stroke={seriesColors.a}
              strokeWidth={1.75}
              fill={seriesColors.a}
              fillOpacity={0.13}
              isAnimationActive={false}
              connectNulls={false}
            />
            <Area
              type="linear"
              dataKey="up"
              stroke={seriesColors.b}
              strokeWidth={1.75}
              fill={seriesColors.b}
              fillOpacity={0.1}
              isAnimationActive={false}
              connectNulls={false}
            />
          </AreaChart>
        </ResponsiveContainer>
      </div>
    </div>
  );
}

function LiveTooltip({ point, downName, upName }: { point: Drawn; downName: string; upName: string }) {
  return (
    <ChartTooltip
      title={formatTime(point.atMs)}
      rows={[
        { name: downName, text: formatRate(point.down ?? 0), color: seriesColors.a },
        { name: upName, text: formatRate(point.up ?? 0), color: seriesColors.b },
      ]}
    />
  );
}

function isDrawn(point: unknown): point is Drawn {
  return typeof point === "object" && point !== null && "atMs" in point && "up" in point && point.up !== null;
}

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
