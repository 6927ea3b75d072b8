"use client";
import { BookOpen } from "lucide-react";
import Link from "next/link";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { LedgerLine } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { ledgerAmounts, ledgerAt, ledgerEntry, ledgerKey } from "../../ledger-columns.tsx";

const refreshMs = 5_000;
const accountNames: Readonly<Record<LedgerLine["account"], string>> = {
  traffic: "Traffic",
  worth: "Worth of traffic",
  wallet: "Wallet",
  earnings: "Earnings",
};
const columns = [ledgerEntry, ledgerAt, { name: "Account", cell: (line: LedgerLine) => accountNames[line.account] }, ...ledgerAmounts];

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
        description="Every change of your balances: traffic in bytes, its worth in dollars, and the wallet. Lines are only ever added."
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
          {(lines) => <DataTable label="Ledger" columns={columns} rows={lines} rowKey={ledgerKey} />}
        </LoadedPages>
      </Card>
    </>
  );
}
