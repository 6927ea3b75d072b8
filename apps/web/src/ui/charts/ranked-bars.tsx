export interface RankedRow {
  readonly id: string;
  readonly name: string;
  readonly amount: number;
  readonly text: string;
  readonly note?: string;
}

/** A short list where length shows the share: refusals by code, earnings by node. */
export function RankedBars({ label, rows }: { label: string; rows: readonly RankedRow[] }) {
  const top = rows.reduce((max, row) => Math.max(max, row.amount), 0) || 1;
  return (
    <ul aria-label={label} className="space-y-2.5">
      {rows.map((row) => (
        <li key={row.id}>
          <div className="flex items-baseline justify-between gap-4 text-sm">
            <span className="min-w-0 sm:truncate">
              {row.name}
              {row.note === undefined ? null : <span className="text-xs text-faint max-sm:block sm:ml-2">{row.note}</span>}
            </span>
            <span className="shrink-0 font-medium tabular-nums">{row.text}</span>
          </div>
          <div className="mt-1 h-1 rounded-full bg-sunken">
            <div className="h-full rounded-full bg-series-a" style={{ width: `${Math.max(1, (row.amount / top) * 100)}%` }} />
          </div>
        </li>
      ))}
    </ul>
  );
}
