import type { Rate } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { None } from "#ui/cells.tsx";
import { formatPricePerGb } from "#ui/format.ts";

/** What operators earn where the exit is in a country, or so connected. */
export function Rates({ rates }: { rates: readonly Rate[] }) {
  if (rates.length === 0) return <None />;
  return (
    <span className="inline-flex max-w-80 flex-wrap gap-1">
      {rates.map((rate) => {
        const place = [rate.country, rate.connectionType].filter((part) => part !== null).join(" ");
        return (
          <Badge key={place}>
            {place} {formatPricePerGb(rate.operatorPicoUsdPerByte)}
          </Badge>
        );
      })}
    </span>
  );
}
