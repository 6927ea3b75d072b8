import { Badge } from "#ui/badge.tsx";
import { None } from "#ui/cells.tsx";
import { formatPricePerGb } from "#ui/format.ts";
import type { Tier } from "#trpc/types.ts";

/** What clients pay from so many GB in a month on. */
export function Tiers({ tiers }: { tiers: readonly Tier[] }) {
  if (tiers.length === 0) return <None />;
  return (
    <span className="inline-flex max-w-80 flex-wrap gap-1">
      {tiers.map(({ fromGb, picoUsdPerByte }) => (
        <Badge key={fromGb}>
          from {fromGb} GB {formatPricePerGb(picoUsdPerByte)}
        </Badge>
      ))}
    </span>
  );
}
