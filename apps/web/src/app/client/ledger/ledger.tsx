"use client";
import { BookOpen } from "lucide-react";
import Link from "next/link";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { LedgerLine } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { cn } from "#ui/cn.ts";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatExactBytes, formatExactUsd, formatLedgerAmount } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Moment } from "#ui/time-cells.tsx";

const refreshMs = 5_000;
const tones: Readonly<Record<string, Tone>> = { top_up: "good", refund: "info", correction: "warn" };

const columns: Column<LedgerLine>[] = [
  { name: "Entry", role: "lead", cell: (line) => <Badge tone={tones[line.kind] ?? "neutral"}>{line.kind.replaceAll("_", " ")}</Badge> },
  { name: "At", cell: (line) => <Moment at={line.at} /> },
  { name: "Account", cell: (line) => (line.asset === "BYTE" ? "Traffic" : "Money") },
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

export function Ledger() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const ledger = usePages({
    queryKey: trpc.client.ledger.infiniteQueryKey(),
    fetchPage: (page, options) => client.client.ledger.query({ ...page }, options),
    refreshMs,
  });
  return (
    <>
      <PageHeader
        title="Ledger"
        description="Every change of your two balances, traffic in bytes and its worth in dollars. Lines are only ever added."
      />
      <Card flush>
        <LoadedPages
          query={ledger}
          empty={
            <EmptyState
              icon={BookOpen}
              title="No entry yet"
              action={
                <Button asChild look="primary">
                  <Link href="/client/buy">Buy traffic</Link>
                </Button>
              }
            >
              Buying traffic writes the first two lines: the bytes, and what they are worth.
            </EmptyState>
          }
        >
          {(lines) => (
            <DataTable
              label="Ledger"
              columns={columns}
              rows={lines}
              rowKey={(line) => `${line.txId}-${line.asset}-${line.amount}-${line.balanceAfter}`}
            />
          )}
        </LoadedPages>
      </Card>
    </>
  );
}
