"use client";
import { useQuery } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { Smartphone } from "lucide-react";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { OperatorOverview as Overview } from "#trpc/types.ts";
import { useLiveness, useLiveSeries } from "#trpc/use-live-series.ts";
import { Card, Stat, StatRow } from "#ui/card.tsx";
import { HistoryChart } from "#ui/charts/history-chart.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatBytes, formatCount, formatCountOf, formatExactBytes, formatExactUsd, formatUsd, formatUsdDown } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { operatorHours } from "../history-points.ts";
import { LiveTraffic } from "../live-traffic.tsx";
import { AddNodeButton } from "./add-node-button.tsx";

const refreshMs = 3_000;

export function OperatorOverview() {
  const trpc = useTRPC();
  const overview = useQuery(trpc.operator.overview.queryOptions(undefined, { refetchInterval: refreshMs }));
  return (
    <>
      <PageHeader title="Overview" actions={<AddNodeButton />} />
      <div className="space-y-4">
        <Loaded query={overview} loading={<Skeleton className="h-24 rounded-lg" />}>
          {(data) => <Figures data={data} />}
        </Loaded>
        {overview.data?.nodesTotal === 0 ? (
          <Card>
            <EmptyState icon={Smartphone} title="No node yet" action={<AddNodeButton />}>
              A node is a phone or computer that you own. Make a code here, enter it on the device, accept the terms there, and it appears
              within seconds.
            </EmptyState>
          </Card>
        ) : (
          <LiveCard />
        )}
        <Card title="Last 24 hours" description="Bytes that your nodes carried, by the hour in which they moved.">
          <Loaded query={overview} loading={<Skeleton className="h-48" />}>
            {(data) => (
              <HistoryChart
                label="Carried traffic of the last 24 hours"
                points={operatorHours(data.hours)}
                names={{ a: "Carried" }}
                formatAxis={formatBytes}
              />
            )}
          </Loaded>
        </Card>
      </div>
    </>
  );
}

function Figures({ data }: { data: Overview }) {
  return (
    <StatRow label="Figures">
      <Stat
        label="To be paid out"
        testId="payable"
        value={formatUsdDown(data.payableMicroUsd)}
        title={formatExactUsd(data.payableMicroUsd)}
        note="Your balance in the ledger"
      />
      <Stat
        label="Earned today"
        testId="earned-today"
        value={formatUsd(data.today.earnedMicroUsd)}
        title={formatExactUsd(data.today.earnedMicroUsd)}
        note={<span title={formatExactBytes(data.today.bytes)}>{formatBytes(data.today.bytes)} carried</span>}
      />
      <Stat
        label="Earned this month"
        testId="earned-month"
        value={formatUsd(data.month.earnedMicroUsd)}
        title={formatExactUsd(data.month.earnedMicroUsd)}
        note={<span title={formatExactBytes(data.month.bytes)}>{formatBytes(data.month.bytes)} carried</span>}
      />
      <Stat
        label="Nodes online"
        testId="nodes-online"
        value={`${formatCount(data.nodesOnline)} of ${formatCount(data.nodesTotal)}`}
        note={formatCountOf(data.sessionsOpen, "open session")}
      />
    </StatRow>
  );
}

function LiveCard() {
  const trpc = useTRPC();
  const series = useLiveSeries<{ atMs: number; upBytes: number; downBytes: number; sessionsOpen: number }>();
  const live = useSubscription(trpc.operator.live.subscriptionOptions(undefined, { onData: series.add }));
  const liveness = useLiveness(live.status, series.receivedAtMs);
  return (
    <LiveTraffic
      title="Live traffic"
      description="All your nodes together, once a second. Down is towards the client."
      points={series.points}
      liveness={liveness}
    />
  );
}
