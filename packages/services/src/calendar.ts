/** Days, months and hours are UTC everywhere in money and statistics. */
const hourMs = 3_600_000;

export function startOfUtcDay(at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()));
}

function startOfUtcMonth(at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
}

/** The starts of the last `count` hours, oldest first; the last one is the hour that runs. */
function lastHours(at: Date, count: number): Date[] {
  const current = Math.floor(at.getTime() / hourMs) * hourMs;
  return Array.from({ length: count }, (_, index) => new Date(current - (count - 1 - index) * hourMs));
}

/** The starts of the last `count` days, oldest first; the last one is today. */
export function lastDays(at: Date, count: number): Date[] {
  const today = startOfUtcDay(at).getTime();
  return Array.from({ length: count }, (_, index) => new Date(today - (count - 1 - index) * 24 * hourMs));
}

const overviewHours = 24;

export interface OverviewPeriod {
  /** The hours of the chart. */
  readonly hours: readonly Date[];
  /**
   * First hour that is read, end of the hour that runs, start of the month, of the day and of the chart, start of the
   * month before. The same for everybody within an hour, so that overviews can share a statement.
   */
  readonly bounds: readonly Date[];
}

export function overviewPeriod(at: Date): OverviewPeriod {
  const hours = lastHours(at, overviewHours);
  const firstHour = hours[0] ?? at;
  const currentHour = hours.at(-1) ?? at;
  const month = startOfUtcMonth(at);
  const monthBefore = startOfUtcMonth(new Date(month.getTime() - 1));
  const firstRead = month < firstHour ? month : firstHour;
  return { hours, bounds: [firstRead, new Date(currentHour.getTime() + hourMs), month, startOfUtcDay(at), firstHour, monthBefore] };
}
