"use client";
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { axisTick, gridStroke, niceCeiling, seriesColors } from "./chart-theme.ts";
import { ChartTooltip, Legend } from "./chart-tooltip.tsx";

/** The axis of an empty chart ends here: 1 MB, or 1 dollar in micro-USD. */
const quietTop = 1_000_000;

/** One bar: an hour or a day. Amounts are plain numbers; `texts` says them exactly. */
export interface HistoryPoint {
  readonly at: string;
  readonly title: string;
  readonly a: number;
  readonly b: number;
  readonly texts: readonly { name: string; text: string }[];
}

interface HistoryChartProps {
  /** What the chart shows, for screen readers. */
  label: string;
  points: readonly HistoryPoint[];
  names: { a: string; b?: string };
  formatAxis: (amount: number) => string;
}

/** Stacked bars over time. Its pointer box names every figure of the bar. */
export function HistoryChart({ label, points, names, formatAxis }: HistoryChartProps) {
  const top = niceCeiling(
    points.reduce((max, point) => Math.max(max, point.a + point.b), 0),
    quietTop,
  );
  const legend = [{ name: names.a, color: seriesColors.a }, ...(names.b === undefined ? [] : [{ name: names.b, color: seriesColors.b }])];
  return (
    <div>
      <Legend items={legend} />
      <div className="mt-2 h-48" role="img" aria-label={label}>
        <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 600, height: 192 }}>
          <BarChart data={[...points]} margin={{ top: 6, right: 0, bottom: 0, left: 0 }} barCategoryGap="22%">
            <CartesianGrid stroke={gridStroke} strokeDasharray="2 4" vertical={false} />
            <XAxis
              height={20}
              dataKey="at"
              tick={axisTick}
              axisLine={{ stroke: gridStroke }}
              tickLine={false}
              interval="preserveStartEnd"
              minTickGap={28}
            />
            <YAxis
              domain={[0, top]}
              ticks={[0, top / 2, top]}
              tickFormatter={formatAxis}
              tick={axisTick}
              axisLine={false}
              tickLine={false}
              width={62}
              orientation="right"
            />
            <Tooltip cursor={{ fill: "var(--sunken)" }} isAnimationActive={false} content={<BarTooltip />} />
            <Bar
              dataKey="a"
              stackId="one"
              fill={seriesColors.a}
              isAnimationActive={false}
              maxBarSize={26}
              radius={names.b === undefined ? [2, 2, 0, 0] : 0}
            />
            {names.b === undefined ? null : (
              <Bar dataKey="b" stackId="one" fill={seriesColors.b} isAnimationActive={false} maxBarSize={26} radius={[2, 2, 0, 0]} />
            )}
          </BarChart>
        </ResponsiveContainer>
      </div>
    </div>
  );
}

/** Recharts hands the hovered bar to its copy of this element. */
function BarTooltip({ payload }: { payload?: readonly { payload?: unknown }[] }) {
  const point = payload?.[0]?.payload;
  return isHistoryPoint(point) ? <ChartTooltip title={point.title} rows={tooltipRows(point)} /> : null;
}

function tooltipRows(point: HistoryPoint) {
  const colors = [seriesColors.a, seriesColors.b, "var(--faint)"];
  return point.texts.map((row, index) => ({ ...row, color: colors[index] ?? "var(--faint)" }));
}

function isHistoryPoint(point: unknown): point is HistoryPoint {
  return typeof point === "object" && point !== null && "texts" in point && Array.isArray(point.texts);
}
