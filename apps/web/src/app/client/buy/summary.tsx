import type { PaymentMethod } from "#trpc/types.ts";
import { formatPricePerGb, formatUsd } from "#ui/format.ts";
import { formatCharge } from "#ui/format-charge.ts";
import type { Quote } from "./quote.ts";

interface SummaryProps {
  quote: Quote;
  method: PaymentMethod | undefined;
}

export function Summary({ quote, method }: SummaryProps) {
  const { gigabytes, picoUsdPerByte, price, charge } = quote;
  const isConverted = method !== undefined && method.currency !== "USD";
  return (
    <dl className="space-y-1.5 tabular-nums">
      <Line name="Traffic" value={gigabytes === null ? "–" : `${gigabytes} GB`} />
      <Line name="Price" value={formatPricePerGb(picoUsdPerByte)} />
      {isConverted ? (
        <>
          <Line name="In US dollars" value={price === null ? "–" : formatUsd(price)} />
          <Line name="Rate" value={`$1 = ${formatCharge(method.minorPerUsd, method.currency)}`} />
        </>
      ) : null}
      <div className="flex justify-between gap-4 border-t pt-2 text-lg font-semibold">
        <dt>Total</dt>
        <dd data-testid="order-total">{charge === null || method === undefined ? "–" : formatCharge(charge, method.currency)}</dd>
      </div>
    </dl>
  );
}

function Line({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex justify-between gap-4">
      <dt className="text-soft">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
