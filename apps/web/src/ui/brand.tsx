import { cn } from "./cn.ts";

/** The mark: two dunes and three travellers on one line. */
export function BrandMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 28 28" aria-hidden="true" className={cn("size-7 shrink-0", className)}>
      <rect width="28" height="28" rx="7" fill="var(--ink)" />
      <path
        d="M3.5 20.5c3.2 0 4-6.8 7.2-6.8 2.6 0 3.2 3.6 5 3.6 2.2 0 3-6.9 5.6-6.9 2.2 0 2.4 4.4 4.7 5.6v4.5z"
        fill="var(--accent)"
        opacity="0.95"
      />
      <g fill="var(--surface)">
        <circle cx="6" cy="8.2" r="1.5" />
        <circle cx="11" cy="8.2" r="1.5" />
        <circle cx="16" cy="8.2" r="1.5" />
      </g>
    </svg>
  );
}

export function Brand({ suffix }: { suffix?: string | undefined }) {
  return (
    <span className="flex items-center gap-2.5">
      <BrandMark />
      <span className="text-lg font-semibold tracking-tight">Karvon</span>
      {suffix === undefined ? null : <span className="rounded border px-1.5 py-px text-2xs font-medium text-faint">{suffix}</span>}
    </span>
  );
}
