export interface TooltipRow {
  readonly name: string;
  readonly text: string;
  readonly color: string;
}

/** The box beside the pointer: when, and each series' figure. */
export function ChartTooltip({ title, rows }: { title: string; rows: readonly TooltipRow[] }) {
  return (
    <div className="rounded-md border bg-surface px-3 py-2 text-xs shadow-pop tabular-nums">
      <p className="mb-1 text-faint">{title}</p>
      {rows.map((row) => (
        <p key={row.name} className="flex items-center gap-2">
          <span aria-hidden="true" className="size-2 rounded-sm" style={{ background: row.color }} />
          <span className="text-soft">{row.name}</span>
          <span className="ml-auto pl-4 font-medium">{row.text}</span>
        </p>
      ))}
    </div>
  );
}

export function Legend({ items }: { items: readonly { name: string; color: string; text?: string }[] }) {
  return (
    <ul className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-soft tabular-nums">
      {items.map((item) => (
        <li key={item.name} className="flex items-center gap-1.5">
          <span aria-hidden="true" className="size-2 rounded-sm" style={{ background: item.color }} />
          {item.name}
          {item.text === undefined ? null : <span className="font-medium text-ink">{item.text}</span>}
        </li>
      ))}
    </ul>
  );
}
