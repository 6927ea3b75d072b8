import { priceForVolume } from "@karvon/domain";
import type { ClientPrice } from "#trpc/types.ts";
import { cn } from "#ui/cn.ts";
import { formatGb, formatPricePerGb } from "#ui/format.ts";

/** What a GB costs from so many in a month on, and where the client stands. Nothing when there is one price. */
export function TierList({ offer }: { offer: ClientPrice }) {
  if (offer.tiers.length === 0) return null;
  const now = priceForVolume(offer, offer.monthBytes);
  const steps = [{ fromGb: 0, picoUsdPerByte: offer.picoUsdPerByte }, ...offer.tiers];
  return (
    <section className="mt-5">
      <h3 className="mb-1 text-sm font-medium">Price by volume</h3>
      <ul aria-label="Tiers" className="max-w-96 divide-y rounded-md border text-sm tabular-nums">
        {steps.map(({ fromGb, picoUsdPerByte }) => (
          <li
            key={fromGb}
            aria-current={picoUsdPerByte === now || undefined}
            className={cn("flex justify-between gap-4 px-3.5 py-1.5", picoUsdPerByte === now && "bg-accent-wash font-medium")}
          >
            <span>{fromGb === 0 ? "From the first GB" : `From ${fromGb} GB`}</span>
            <span>{formatPricePerGb(picoUsdPerByte)}</span>
          </li>
        ))}
      </ul>
      <p className="mt-1 text-sm text-faint">
        Bought since the first of this month (UTC): {formatGb(offer.monthBytes)}. A purchase counts with it and costs the tier that is
        reached.
      </p>
    </section>
  );
}
