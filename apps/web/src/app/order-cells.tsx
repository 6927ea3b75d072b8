import type { ReactNode } from "react";
import type { Order } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { formatUsd, formatWholeGb } from "#ui/format.ts";
import { formatCharge } from "#ui/format-charge.ts";
import { Moment } from "#ui/time-cells.tsx";

const tones: Readonly<Record<Order["status"], Tone>> = { paid: "good", pending: "warn", refunded: "info", cancelled: "neutral" };

/** The state, and below it what it means: why the last try failed, until when it can be paid, what went back. */
export function OrderState({ order }: { order: Order }) {
  const { status, isExpired, lastFailure } = order;
  return (
    <span className="inline-flex max-w-64 flex-col items-start gap-1">
      {isExpired ? <Badge tone="neutral">expired</Badge> : <Badge tone={tones[status]}>{status}</Badge>}
      {lastFailure === null ? null : <Note>Not paid: {lastFailure}.</Note>}
      {status === "pending" ? (
        <Note>
          {isExpired ? "It was to be paid by" : "It can be paid until"} <Moment at={order.expiresAt} withYear />.
        </Note>
      ) : null}
      {status === "refunded" ? <Note>What was bought and the money went back.</Note> : null}
    </span>
  );
}

function Note({ children }: { children: ReactNode }) {
  return <span className="text-xs text-faint">{children}</span>;
}

/** Traffic, or money for the wallet. */
export function Goods({ order }: { order: Order }) {
  return (
    <span className="whitespace-nowrap">
      {order.product === "wallet" ? `${formatUsd(order.amountMicroUsd)} for the wallet` : formatWholeGb(order.bytes)}
    </span>
  );
}

/** What is paid, and the price where that is another currency. */
export function Charge({ order }: { order: Order }) {
  return (
    <span className="inline-flex flex-col items-start whitespace-nowrap md:items-end">
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
