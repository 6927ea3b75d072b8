import { cn } from "./cn.ts";

interface MeterProps {
  /** What is measured, for screen readers. */
  label: string;
  value: bigint;
  max: bigint;
  className?: string;
}

/** How much of a limit is used. Turns amber from 80 % and red from 100 %. */
export function Meter({ label, value, max, className }: MeterProps) {
  const percent = max <= 0n ? 0 : Math.min(100, Number((value * 1000n) / max) / 10);
  const tone = percent >= 100 ? "bg-bad" : percent >= 80 ? "bg-warn" : "bg-series-b";
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className={cn("h-1 overflow-hidden rounded-full bg-line", className)}
    >
      <div className={cn("h-full rounded-full", tone)} style={{ width: `${percent}%` }} />
    </div>
  );
}
