"use client";
import { BookOpen } from "lucide-react";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import { Card } from "#ui/card.tsx";
import { DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { AddNodeButton } from "../add-node-button.tsx";
import { ledgerAmounts, ledgerAt, ledgerEntry, ledgerKey } from "../../ledger-columns.tsx";

const refreshMs = 5_000;
const columns = [ledgerEntry, ledgerAt, ...ledgerAmounts];

export function OperatorLedger() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const ledger = usePages({
    queryKey: trpc.operator.ledger.infiniteQueryKey(),
    fetchPage: (page, options) => client.operator.ledger.query({ ...page }, options),
    refreshMs,
  });
  return (
    <>
      <PageHeader
        title="Ledger"
        description="Every change of what you are owed: earnings, payouts, corrections. Lines are only ever added."
      />
      <Card flush>
        <LoadedPages
          query={ledger}
          empty={
            <EmptyState icon={BookOpen} title="No entry yet" action={<AddNodeButton />}>
              The first bytes that a node carries write the first line, within five seconds.
            </EmptyState>
          }
        >
          {(lines) => <DataTable label="Ledger" columns={columns} rows={lines} rowKey={ledgerKey} />}
        </LoadedPages>
      </Card>
    </>
  );
}
