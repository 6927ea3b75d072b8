/** How moments and lengths of time are written. Clock times are in the reader's own time zone. */
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const yearAndTime = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const shortDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const regions = new Intl.DisplayNames(["en"], { type: "region" });

export const formatTime = (at: Date | number): string => time.format(at);
export const formatHour = (at: Date | number): string => hour.format(at);
export const formatDayAndTime = (at: Date | number): string => dayAndTime.format(at);
export const formatYearAndTime = (at: Date | number): string => yearAndTime.format(at);
export const formatDay = (at: Date | number): string => day.format(at);
export const formatShortDay = (at: Date | number): string => shortDay.format(at);

/** The two units that matter: `840 ms`, `12 s`, `3 m 05 s`, `2 h 10 m`, `4 d 3 h`. */
export function formatDuration(lengthMs: number): string {
  const ms = Math.max(0, Math.round(lengthMs));
  if (ms < 1000) return `${ms} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${pad(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago, in one unit: `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function formatAgo(at: Date, nowMs: number): string {
  const seconds = Math.floor((nowMs - at.getTime()) / 1000);
  if (seconds < 3) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** `12:04` for a countdown; never negative. */
export function formatCountdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}

/** `Germany` for `DE`; the code itself when it names no region. */
export function countryName(code: string): string {
  try {
    return regions.of(code.toUpperCase()) ?? code;
  } catch {
    return code;
  }
}

function pad(amount: number): string {
  return amount.toString().padStart(2, "0");
}
