import type { Rate } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { None } from "#ui/cells.tsx";
import { cn } from "#ui/cn.ts";
import { formatPricePerGb } from "#ui/format.ts";

/** What operators earn where the exit is in a country, or so connected. */
export function Rates({ rates, className = "max-w-80" }: { rates: readonly Rate[]; className?: string }) {
  if (rates.length === 0) return <None />;
  return (
    <span className={cn("inline-flex flex-wrap gap-1", className)}>
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
