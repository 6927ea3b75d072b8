"use client";
import { useQuery } from "@tanstack/react-query";
import { Wallet } from "lucide-react";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Earnings } from "#trpc/types.ts";
import { Card, Stat, StatRow } from "#ui/card.tsx";
import { HistoryChart } from "#ui/charts/history-chart.tsx";
import { type RankedRow, RankedBars } from "#ui/charts/ranked-bars.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatBytes, formatExactBytes, formatExactUsd, formatPricePerGb, formatUsd, formatUsdDown } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { AddNodeButton } from "../add-node-button.tsx";
import { earningDays } from "../../history-points.ts";
import { Rates } from "../../rates.tsx";

const refreshMs = 5_000;

export function OperatorEarnings() {
  const trpc = useTRPC();
  const earnings = useQuery(trpc.operator.earnings.queryOptions(undefined, { refetchInterval: refreshMs }));
  const overview = useQuery(trpc.operator.overview.queryOptions(undefined, { refetchInterval: refreshMs }));
  return (
    <>
      <PageHeader title="Earnings" description="Booked to the hour in which the bytes moved, in the same ledger that charges the client." />
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
              <Stat
                label="Today"
                value={formatUsd(data.today.earnedMicroUsd)}
                title={formatExactUsd(data.today.earnedMicroUsd)}
                note={`${formatBytes(data.today.bytes)} carried`}
              />
              <Stat
                label="This month"
                value={formatUsd(data.month.earnedMicroUsd)}
                title={formatExactUsd(data.month.earnedMicroUsd)}
                note={`${formatBytes(data.month.bytes)} carried`}
              />
            </StatRow>
          )}
        </Loaded>
        <RateCard />
        <Loaded query={earnings} loading={<Skeleton className="h-72 rounded-lg" />}>
          {(data) => <Details earnings={data} />}
        </Loaded>
      </div>
    </>
  );
}

/** What a GB earns now, and where it earns something else. */
function RateCard() {
  const trpc = useTRPC();
  const card = useQuery(trpc.operator.rateCard.queryOptions());
  if (card.data === undefined || card.data === null) return null;
  const { operatorPicoUsdPerByte, validFrom, rates } = card.data;
  return (
    <Card title="Rates" description="What a session earns is fixed when it opens.">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <span className="font-medium">{formatPricePerGb(operatorPicoUsdPerByte)}</span>
        <span className="text-faint">
          since <Moment at={validFrom} withYear />
        </span>
        {rates.length === 0 ? null : <Rates rates={rates} className="max-w-full" />}
      </p>
    </Card>
  );
}

function Details({ earnings }: { earnings: Earnings }) {
  const nodes: RankedRow[] = earnings.nodes.map((row) => ({
    id: row.nodeId,
    name: row.label,
    amount: Number(row.earnedMicroUsd),
    text: formatExactUsd(row.earnedMicroUsd),
    note: formatBytes(row.bytes),
  }));
  const totalBytes = earnings.nodes.reduce((sum, row) => sum + row.bytes, 0n);
  if (nodes.length === 0) {
    return (
      <Card>
        <EmptyState icon={Wallet} title="Nothing earned in the last 30 days" action={<AddNodeButton />}>
          Earnings are booked every five seconds while a node carries traffic.
        </EmptyState>
      </Card>
    );
  }
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <Card title="By day" description="The last 30 days, UTC.">
        <HistoryChart label="Earnings by day" points={earningDays(earnings.days)} names={{ a: "Earned" }} formatAxis={formatUsd} />
      </Card>
      <Card
        title="By node"
        description={<span title={formatExactBytes(totalBytes)}>The same 30 days, {formatBytes(totalBytes)} carried.</span>}
      >
        <RankedBars label="Earnings by node" rows={nodes} />
      </Card>
    </div>
  );
}
