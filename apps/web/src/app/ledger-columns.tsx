import type { LedgerLine } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { cn } from "#ui/cn.ts";
import type { Column } from "#ui/data-table.tsx";
import { formatExactBytes, formatExactUsd, formatLedgerAmount } from "#ui/format.ts";
import { Moment } from "#ui/time-cells.tsx";

const tones: Readonly<Record<string, Tone>> = { top_up: "good", refund: "info", correction: "warn", payout: "info" };

/** Of a payout the operator's account sees two kinds of line: what is set aside for it, and what comes back when it fails. */
function noteOf({ kind, amount, note }: LedgerLine): string | null {
  if (kind !== "payout") return note;
  return amount < 0n ? "Set aside to be paid out." : "Not paid out: yours again.";
}

export const ledgerEntry: Column<LedgerLine> = {
  name: "Entry",
  role: "lead",
  cell: (line) => (
    <span className="inline-block max-w-80">
      <Badge tone={tones[line.kind] ?? "neutral"}>{line.kind.replaceAll("_", " ")}</Badge>
      {noteOf(line) === null ? null : <span className="mt-0.5 block text-xs break-words text-faint">{noteOf(line)}</span>}
    </span>
  ),
};

/** What every ledger shows of a line beyond its kind. */
export const ledgerAmounts: readonly Column<LedgerLine>[] = [
  {
    name: "Amount",
    align: "right",
    cell: (line) => (
      <span className={cn("font-mono text-xs whitespace-nowrap", line.amount > 0n && "text-good")}>
        {formatLedgerAmount(line.asset, line.amount)}
      </span>
    ),
  },
  {
    name: "Balance after",
    align: "right",
    cell: (line) => (
      <span className="font-mono text-xs whitespace-nowrap">
        {line.asset === "BYTE" ? formatExactBytes(line.balanceAfter) : formatExactUsd(line.balanceAfter)}
      </span>
    ),
  },
  {
    name: "Transaction",
    align: "right",
    from: "lg",
    cell: (line) => <span className="font-mono text-xs text-faint">#{line.txId.toString()}</span>,
  },
];

export const ledgerAt: Column<LedgerLine> = { name: "At", cell: (line) => <Moment at={line.at} withYear /> };

export const ledgerKey = (line: LedgerLine): string => `${line.txId}-${line.account}-${line.amount}-${line.balanceAfter}`;
