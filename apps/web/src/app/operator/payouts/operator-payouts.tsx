"use client";
import { payoutMicroUsdMin } from "@karvon/domain";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Banknote } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded, LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { Payout } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card, Stat, StatRow } from "#ui/card.tsx";
import { Usd } from "#ui/cells.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatExactUsd, formatUsd, formatUsdDown } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { PayoutDestination, PayoutState } from "../../payout-state.tsx";
import { RequestDialog } from "./request-dialog.tsx";

const refreshMs = 5_000;

export function OperatorPayouts() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const [cancelled, setCancelled] = useState<Payout | null>(null);
  const overview = useQuery(trpc.operator.overview.queryOptions(undefined, { refetchInterval: refreshMs }));
  const payouts = usePages({
    queryKey: trpc.operator.payouts.list.infiniteQueryKey(),
    fetchPage: (page, options) => client.operator.payouts.list.query({ ...page }, options),
    refreshMs,
  });
  const refresh = () => queryClient.invalidateQueries(trpc.operator.pathFilter());
  const cancel = useMutation(
    trpc.operator.payouts.cancel.mutationOptions({
      onSuccess: () => {
        setCancelled(null);
        return refresh();
      },
    }),
  );
  const columns = makeColumns((payout) => {
    cancel.reset();
    setCancelled(payout);
  });
  const askButton = (
    <Button look="primary" onClick={() => setAsking(true)}>
      Request payout
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Payouts"
        description="Two people of the network look at each: one checks it, another sends it."
        actions={askButton}
      />
      <div className="space-y-4">
        <Loaded query={overview} loading={<Skeleton className="h-24 rounded-lg" />}>
          {(data) => (
            <StatRow label="Figures">
              <Stat
                label="To be paid out"
                testId="payable"
                value={formatUsdDown(data.payableMicroUsd)}
                title={formatExactUsd(data.payableMicroUsd)}
                note={formatExactUsd(data.payableMicroUsd)}
              />
              <Stat label="Least amount" value={formatUsd(payoutMicroUsdMin)} note="Earnings below it wait." />
            </StatRow>
          )}
        </Loaded>
        <Card flush>
          <LoadedPages
            query={payouts}
            empty={
              <EmptyState icon={Banknote} title="No payout yet" action={askButton}>
                Ask for what your nodes have earned. The amount is set aside at once and paid when two people have looked at it.
              </EmptyState>
            }
          >
            {(rows) => <DataTable label="Payouts" columns={columns} rows={rows} rowKey={(payout) => payout.id} />}
          </LoadedPages>
        </Card>
      </div>
      {isAsking ? <RequestDialog payableMicroUsd={overview.data?.payableMicroUsd} onOpenChange={setAsking} onRequested={refresh} /> : null}
      {cancelled === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setCancelled(null)}
          title={`Take back ${formatUsd(cancelled.amountMicroUsd)}?`}
          description="The money is yours to ask for again."
          confirmLabel="Take back"
          busy={cancel.isPending}
          failure={cancel.error === null ? null : readFailure(cancel.error)}
          onConfirm={() => cancel.mutate({ id: cancelled.id })}
        />
      )}
    </>
  );
}

function makeColumns(onCancel: (payout: Payout) => void): Column<Payout>[] {
  return [
    { name: "Amount", role: "lead", cell: (payout) => <Usd amount={payout.amountMicroUsd} /> },
    { name: "State", cell: (payout) => <PayoutState payout={payout} /> },
    { name: "To", cell: (payout) => <PayoutDestination payout={payout} /> },
    { name: "Asked for", cell: (payout) => <Moment at={payout.createdAt} withYear /> },
    {
      name: "Settled",
      cell: (payout) => (payout.settledAt === null ? <span className="text-faint">open</span> : <Moment at={payout.settledAt} withYear />),
    },
    { name: "Payout id", align: "right", from: "xl", cell: (payout) => <ShortId name="payout id" id={payout.id} /> },
    {
      name: "Actions",
      role: "actions",
      align: "right",
      cell: (payout) =>
        payout.status === "requested" ? (
          <Button size="sm" onClick={() => onCancel(payout)} aria-label={`Take back ${formatUsd(payout.amountMicroUsd)}`}>
            Take back
          </Button>
        ) : null,
    },
  ];
}
