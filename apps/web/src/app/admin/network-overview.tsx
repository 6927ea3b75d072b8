"use client";
import { useQuery } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { AdminOverview, Tick } from "#trpc/types.ts";
import { useLiveness, useLiveSeries } from "#trpc/use-live-series.ts";
import { Stat, StatRow } from "#ui/card.tsx";
import { formatBytes, formatCount, formatCountOf, formatExactBytes, formatExactUsd, formatUsd } from "#ui/format.ts";
import { formatDuration } from "#ui/format-time.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { LiveTraffic } from "../live-traffic.tsx";
import { Gateways } from "./gateways.tsx";
import { Refusals, useRefusalCounts } from "./refusals.tsx";

const refreshMs = 3_000;

export function NetworkOverview() {
  const trpc = useTRPC();
  const overview = useQuery(trpc.admin.overview.queryOptions(undefined, { refetchInterval: refreshMs }));
  const series = useLiveSeries<Tick>();
  const refusals = useRefusalCounts();
  const live = useSubscription(
    trpc.admin.live.subscriptionOptions(undefined, {
      onData: (tick) => {
        series.add(tick);
        refusals.add(tick.refusals);
      },
    }),
  );
  const liveness = useLiveness(live.status, series.receivedAtMs);
  const isFresh = liveness.kind === "live";
  return (
    <>
      <PageHeader title="Network" description="The whole network now." />
      <div className="space-y-4">
        <Loaded query={overview} loading={<Skeleton className="h-24 rounded-lg" />}>
          {(data) => <Figures data={data} tick={isFresh ? series.last : null} />}
        </Loaded>
        <LiveTraffic
          title="Throughput"
          description="Payload of all gateways together, once a second."
          points={series.points}
          liveness={liveness}
        />
        <Loaded query={overview} loading={<Skeleton className="h-40 rounded-lg" />}>
          {(data) => <Gateways gateways={data.gateways} tick={series.last} liveness={liveness} />}
        </Loaded>
        <Refusals counts={refusals.counts} />
      </div>
    </>
  );
}

function Figures({ data, tick }: { data: AdminOverview; tick: Tick | null }) {
  const today = data.today.upBytes + data.today.downBytes;
  const fee = data.today.dueMicroUsd - data.today.earnedMicroUsd;
  return (
    <StatRow label="Figures">
      <Stat
        label="Open sessions"
        testId="sessions-open"
        value={formatCount(tick?.sessionsOpen ?? data.sessionsOpen)}
        note={formatCountOf(tick?.tunnels ?? data.nodesOnline, "tunnel")}
      />
      <Stat
        label="Nodes online"
        testId="nodes-online"
        value={`${formatCount(data.nodesOnline)} of ${formatCount(data.nodesTotal)}`}
        note={formatCountOf(data.operators, "operator")}
      />
      <Stat
        label="Carried today"
        testId="today-bytes"
        value={formatBytes(today)}
        title={formatExactBytes(today)}
        note={formatCountOf(data.clients, "client")}
      />
      <Stat
        label="Charged today"
        value={formatUsd(data.today.dueMicroUsd)}
        title={formatExactUsd(data.today.dueMicroUsd)}
        note={`${formatUsd(data.today.earnedMicroUsd)} to operators, ${formatUsd(fee)} fee`}
      />
      <Stat
        label="Flush lag"
        testId="flush-lag"
        value={tick === null ? "–" : formatDuration(tick.flushLagMs)}
        note={tick === null ? "No live figures" : `${formatBytes(tick.unflushedBytes)} not yet booked`}
      />
    </StatRow>
  );
}
