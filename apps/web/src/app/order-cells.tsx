import type { Order } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { formatUsd } from "#ui/format.ts";
import { formatCharge } from "#ui/format-charge.ts";

const tones: Readonly<Record<Order["status"], Tone>> = { paid: "good", pending: "warn", refunded: "info", cancelled: "neutral" };

/** The state, and below it why the last try to pay failed. */
export function OrderState({ order }: { order: Order }) {
  return (
    <span className="inline-flex max-w-64 flex-col items-start gap-1">
      {order.isExpired ? <Badge tone="neutral">expired</Badge> : <Badge tone={tones[order.status]}>{order.status}</Badge>}
      {order.lastFailure === null ? null : <span className="text-xs text-faint">Not paid: {order.lastFailure}.</span>}
    </span>
  );
}

/** What is paid, and the price where that is another currency. */
export function Charge({ order }: { order: Order }) {
  return (
    <span className="inline-flex flex-col items-start md:items-end">
      <span>{formatCharge(order.chargeMinor, order.currency)}</span>
      {order.currency === "USD" ? null : <span className="text-xs text-faint">{formatUsd(order.amountMicroUsd)}</span>}
    </span>
  );
}

/** Links to the PDF files. Plain anchors: they load a file and leave the page where it is. */
export function Documents({ order }: { order: Order }) {
  const hasReceipt = order.status === "paid" || order.status === "refunded";
  const kinds = hasReceipt ? (["invoice", "receipt"] as const) : (["invoice"] as const);
  return (
    <span className="inline-flex gap-2">
      {kinds.map((kind) => (
        <a
          key={kind}
          href={`/documents/${order.id}/${kind}.pdf`}
          aria-label={`${kind} of order ${order.number}`}
          className="text-sm text-soft underline decoration-line-strong underline-offset-3 hover:text-ink"
        >
          {kind === "invoice" ? "Invoice" : "Receipt"}
        </a>
      ))}
    </span>
  );
}
