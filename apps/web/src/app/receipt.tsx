"use client";
import { Printer } from "lucide-react";
import type { ReactNode } from "react";
import type { SessionReceipt } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { None } from "#ui/cells.tsx";
import { countryName } from "#ui/format-time.ts";
import { formatBytes, formatCountOf, formatExactBytes, formatExactUsd, formatPricePerGb } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Length, Moment } from "#ui/time-cells.tsx";
import { protocolName } from "./protocol-name.ts";
import { SessionState } from "./session-cells.tsx";

export type ReceiptLine = readonly [name: string, value: ReactNode];

interface ReceiptProps {
  receipt: SessionReceipt;
  /** What the sum is to who reads it. */
  sumName: string;
  /** What this side sees of the session besides. */
  about: readonly ReceiptLine[];
  children: ReactNode;
}

/** One session as a receipt: what passed, at which price, what it comes to. Prints on one page. */
export function Receipt({ receipt, sumName, about, children }: ReceiptProps) {
  const { price, upBytes, downBytes, failedAttempts } = receipt;
  return (
    <>
      <PageHeader
        title="Byte receipt"
        description={<span className="font-mono text-xs break-all">{receipt.id}</span>}
        actions={
          <Button className="print:hidden" onClick={() => window.print()}>
            <Printer aria-hidden="true" />
            Print
          </Button>
        }
      />
      <div className="grid items-start gap-4 lg:grid-cols-2 print:grid-cols-1">
        <Card title="What was carried" testId="receipt">
          <Lines
            lines={[
              ["Up, from the client", formatExactBytes(upBytes)],
              ["Down, to the client", formatExactBytes(downBytes)],
              ["Both", `${formatExactBytes(upBytes + downBytes)} (${formatBytes(upBytes + downBytes)})`],
              [`Price ${price.name}`, formatPricePerGb(price.picoUsdPerByte)],
              [
                "Price id",
                <span key="id" className="font-mono text-xs break-all">
                  {price.id}
                </span>,
              ],
            ]}
          />
          <p className="mt-3 flex flex-wrap items-baseline justify-between gap-x-4 border-t border-dashed pt-3">
            <span className="font-medium">{sumName}</span>
            <span data-testid="receipt-sum" className="text-xl font-semibold tracking-tight tabular-nums">
              {formatExactUsd(receipt.amountMicroUsd)}
            </span>
          </p>
          <p className="mt-2 text-sm text-faint">
            All bytes times the price, rounded down once to a whole micro-dollar. {attemptsText(failedAttempts)}
          </p>
        </Card>
        <Card title="The session">
          <Lines
            lines={[
              ["State", <SessionState key="state" closedAt={receipt.closedAt} closeReason={receipt.closeReason} />],
              ["Opened", <Moment key="opened" at={receipt.openedAt} withYear />],
              ["Closed", receipt.closedAt === null ? "still open: figures grow" : <Moment key="closed" at={receipt.closedAt} withYear />],
              ["Length", <Length key="length" from={receipt.openedAt} to={receipt.closedAt} />],
              ["Protocol", protocolName(receipt.protocol)],
              ...about,
              ["Node's place", placeOf(receipt)],
              ["Node's line", receipt.connectionType ?? <None key="line" />],
            ]}
          />
        </Card>
        <div className="text-sm text-soft lg:col-span-2 print:col-span-1">{children}</div>
      </div>
    </>
  );
}

function attemptsText(failedAttempts: number): string {
  return failedAttempts === 0
    ? "No other node was tried before."
    : `Not billed: ${formatCountOf(failedAttempts, "attempt")} on other nodes before this one.`;
}

function placeOf({ country, city }: SessionReceipt): ReactNode {
  if (country === null) return <None />;
  return [city, countryName(country)].filter((part) => part !== null).join(", ");
}

function Lines({ lines }: { lines: readonly ReceiptLine[] }) {
  return (
    <dl className="space-y-2 text-sm tabular-nums">
      {lines.map(([name, value]) => (
        <div key={name} className="flex justify-between gap-4">
          <dt className="shrink-0 text-soft">{name}</dt>
          <dd className="min-w-0 text-right break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
