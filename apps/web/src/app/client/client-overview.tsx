"use client";
import { useQuery } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import Link from "next/link";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { ClientOverview as Overview } from "#trpc/types.ts";
import { useLiveness, useLiveSeries } from "#trpc/use-live-series.ts";
import { Button } from "#ui/button.tsx";
import { Card, Stat, StatRow } from "#ui/card.tsx";
import { HistoryChart } from "#ui/charts/history-chart.tsx";
import { formatBytes, formatCount, formatCountOf, formatExactBytes, formatGb, formatPricePerGb, formatUsd } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { clientHours } from "../history-points.ts";
import { LiveTraffic } from "../live-traffic.tsx";
import { Checklist } from "./checklist.tsx";
import { UsedUp } from "./used-up.tsx";

const refreshMs = 3_000;

export function ClientOverview() {
  const trpc = useTRPC();
  const overview = useQuery(trpc.client.overview.queryOptions(undefined, { refetchInterval: refreshMs }));
  return (
    <>
      <PageHeader
        title="Overview"
        actions={
          <>
            <Button asChild>
              <Link href="/client/endpoint">Get an endpoint line</Link>
            </Button>
            <Button asChild look="primary">
              <Link href="/client/buy">Buy traffic</Link>
            </Button>
          </>
        }
      />
      <div className="space-y-4">
        <Loaded query={overview} loading={<Skeleton className="h-24 rounded-lg" />}>
          {(data) => (
            <>
              <Checklist steps={data.checklist} />
              <Figures data={data} />
            </>
          )}
        </Loaded>
        <LiveCard />
        <Card title="Last 24 hours" description="Bytes by the hour in which they moved.">
          <Loaded query={overview} loading={<Skeleton className="h-48" />}>
            {(data) => (
              <HistoryChart
                label="Traffic of the last 24 hours"
                points={clientHours(data.hours)}
                names={{ a: "Down", b: "Up" }}
                formatAxis={formatBytes}
              />
            )}
          </Loaded>
        </Card>
        <UsedUp />
      </div>
    </>
  );
}

function Figures({ data }: { data: Overview }) {
  const today = data.today.upBytes + data.today.downBytes;
  const month = data.month.upBytes + data.month.downBytes;
  return (
    <StatRow label="Figures">
      <Stat
        label="Balance"
        testId="balance-bytes"
        value={formatGb(data.balanceBytes)}
        title={formatExactBytes(data.balanceBytes)}
        note={<span data-testid="balance-usd">{`${formatUsd(data.balanceMicroUsd)} at ${formatPricePerGb(data.picoUsdPerByte)}`}</span>}
      />
      <Stat
        label="Today"
        testId="today-bytes"
        value={formatBytes(today)}
        title={formatExactBytes(today)}
        note={`${formatUsd(data.today.dueMicroUsd)} spent`}
      />
      <Stat
        label="This month"
        testId="month-bytes"
        value={formatBytes(month)}
        title={formatExactBytes(month)}
        note={`${formatUsd(data.month.dueMicroUsd)} spent`}
      />
      <Stat
        label="Open sessions"
        testId="sessions-open"
        value={formatCount(data.sessionsOpen)}
        note={formatCountOf(data.proxyUserCount, "proxy user")}
      />
    </StatRow>
  );
}

function LiveCard() {
  const trpc = useTRPC();
  const series = useLiveSeries<{ atMs: number; upBytes: number; downBytes: number; sessionsOpen: number }>();
  const live = useSubscription(trpc.client.live.subscriptionOptions(undefined, { onData: series.add }));
  const liveness = useLiveness(live.status, series.receivedAtMs);
  return (
    <LiveTraffic title="Live traffic" description="Straight from the gateways, once a second." points={series.points} liveness={liveness} />
  );
}
