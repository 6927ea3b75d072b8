/** Days, months and hours are UTC everywhere in money and statistics. */
const hourMs = 3_600_000;

export function startOfUtcDay(at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()));
}

export function startOfUtcMonth(at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
}

/** The starts of the last `count` hours, oldest first; the last one is the hour that runs. */
export function lastHours(at: Date, count: number): Date[] {
  const current = Math.floor(at.getTime() / hourMs) * hourMs;
  return Array.from({ length: count }, (_, index) => new Date(current - (count - 1 - index) * hourMs));
}

/** The starts of the last `count` days, oldest first; the last one is today. */
export function lastDays(at: Date, count: number): Date[] {
  const today = startOfUtcDay(at).getTime();
  return Array.from({ length: count }, (_, index) => new Date(today - (count - 1 - index) * 24 * hourMs));
}
