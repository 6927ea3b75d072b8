import { cn } from "./cn.ts";

/** The mark: the gate of a caravanserai with one traveller in it. */
export function BrandMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 28 28" aria-hidden="true" className={cn("size-7 shrink-0", className)}>
      <rect x="0.5" y="0.5" width="27" height="27" rx="6.5" fill="#1d1b17" stroke="var(--line-strong)" />
      <path
        d="M7.5 21.5v-8.2c0-3.9 3.3-4.6 6.5-8 3.2 3.4 6.5 4.1 6.5 8v8.2"
        fill="none"
        stroke="#f0a93b"
        strokeWidth="2.2"
        strokeLinecap="round"
      />
      <circle cx="14" cy="17.6" r="2.4" fill="#f0a93b" />
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
