import type { HistoryPoint } from "#ui/charts/history-chart.tsx";
import { formatDay, formatHour, formatShortDay } from "#ui/format-time.ts";
import { formatBytes, formatUsd } from "#ui/format.ts";

const hourMs = 3_600_000;

/** A client's hours as bars: bytes down and up, with what they cost. */
export function clientHours(hours: readonly { hour: Date; upBytes: bigint; downBytes: bigint; dueMicroUsd: bigint }[]): HistoryPoint[] {
  return hours.map((row) => ({
    at: formatHour(row.hour),
    title: `${formatShortDay(row.hour)}, ${formatHour(row.hour)}–${formatHour(row.hour.getTime() + hourMs)}`,
    a: Number(row.downBytes),
    b: Number(row.upBytes),
    texts: [
      { name: "Down", text: formatBytes(row.downBytes) },
      { name: "Up", text: formatBytes(row.upBytes) },
      { name: "Cost", text: formatUsd(row.dueMicroUsd) },
    ],
  }));
}

/** An operator's hours as bars of bytes, with what they earned. */
export function operatorHours(hours: readonly { hour: Date; bytes: bigint; earnedMicroUsd: bigint }[]): HistoryPoint[] {
  return hours.map((row) => ({
    at: formatHour(row.hour),
    title: `${formatShortDay(row.hour)}, ${formatHour(row.hour)}–${formatHour(row.hour.getTime() + hourMs)}`,
    a: Number(row.bytes),
    b: 0,
    texts: [
      { name: "Carried", text: formatBytes(row.bytes) },
      { name: "Earned", text: formatUsd(row.earnedMicroUsd) },
    ],
  }));
}

/** Days as bars of money. */
export function earningDays(days: readonly { day: Date; bytes: bigint; earnedMicroUsd: bigint }[]): HistoryPoint[] {
  return days.map((row) => ({
    at: formatShortDay(row.day),
    title: formatDay(row.day),
    a: Number(row.earnedMicroUsd),
    b: 0,
    texts: [
      { name: "Earned", text: formatUsd(row.earnedMicroUsd) },
      { name: "Carried", text: formatBytes(row.bytes) },
    ],
  }));
}
