import type { ReactNode } from "react";
import { cn } from "./cn.ts";

interface CardProps {
  /** Becomes the section's heading and accessible name. */
  title?: string;
  description?: ReactNode;
  /** Controls at the right of the heading. */
  aside?: ReactNode;
  /** The content brings its own padding (tables). */
  flush?: boolean;
  className?: string;
  testId?: string;
  children: ReactNode;
}

export function Card({ title, description, aside, flush = false, className, testId, children }: CardProps) {
  return (
    <section aria-label={title} data-testid={testId} className={cn("min-w-0 rounded-lg border bg-surface", className)}>
      {title === undefined ? null : (
        <header className={cn("flex items-start justify-between gap-4 px-4 pt-3.5 sm:px-5", flush && "border-b pb-3")}>
          <div className="min-w-0 flex-1">
            <h2 className="text-base font-semibold">{title}</h2>
            {description === undefined ? null : <p className="mt-0.5 text-sm text-faint">{description}</p>}
          </div>
          {aside}
        </header>
      )}
      <div className={cn(!flush && "px-4 pt-3 pb-4 sm:px-5 sm:pb-5")}>{children}</div>
    </section>
  );
}

interface StatProps {
  label: string;
  value: ReactNode;
  /** A smaller line under the figure. */
  note?: ReactNode;
  testId?: string;
  /** The exact figure, for the pointer. */
  title?: string | undefined;
}

/** One figure with its name. Put several into a StatRow. */
export function Stat({ label, value, note, testId, title }: StatProps) {
  return (
    <div className="min-w-0 bg-surface px-4 py-3.5 sm:px-5">
      <dt className="text-sm text-faint">{label}</dt>
      <dd className="mt-1">
        <span data-testid={testId} title={title} className="block truncate text-xl font-semibold tracking-tight tabular-nums">
          {value}
        </span>
        {note === undefined ? null : <span className="mt-0.5 block text-sm text-soft tabular-nums">{note}</span>}
      </dd>
    </div>
  );
}

/** Figures side by side, parted by hairlines; two columns on a phone. */
export function StatRow({ children, label }: { children: ReactNode; label: string }) {
  return (
    <dl
      aria-label={label}
      className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line [&>:last-child:nth-child(odd)]:col-span-2 xl:auto-cols-fr xl:[&>:last-child:nth-child(odd)]:col-span-1 xl:grid-flow-col xl:grid-cols-none"
    >
      {children}
    </dl>
  );
}
