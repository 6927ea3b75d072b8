import { Bytes } from "#ui/cells.tsx";
import { formatBytes } from "#ui/format.ts";
import { Meter } from "#ui/meter.tsx";

interface LimitMeterProps {
  /** What is measured, for screen readers. */
  label: string;
  used: bigint;
  limit: bigint | null;
  /** "today", "this month"; empty in total. */
  when?: string;
}

/** What is used, and of which limit. */
export function LimitMeter({ label, used, limit, when = "" }: LimitMeterProps) {
  if (limit === null) return <Bytes amount={used} />;
  return (
    <span className="block max-w-44">
      <span className="whitespace-nowrap">
        <Bytes amount={used} /> of {formatBytes(limit)} {when}
      </span>
      <Meter label={label} value={used} max={limit} className="mt-1" />
    </span>
  );
}
