import { Router } from "lucide-react";
import type { AdminOverview, Tick } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Card } from "#ui/card.tsx";
import { None } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatBytes } from "#ui/format.ts";
import { formatDuration } from "#ui/format-time.ts";
import type { Liveness } from "#ui/live-badge.tsx";
import { Ago, Length } from "#ui/time-cells.tsx";

type Gateway = AdminOverview["gateways"][number];

const columns: Column<Gateway>[] = [
  { name: "Gateway", role: "lead", cell: (row) => <span className="font-mono text-xs break-all">{row.id}</span> },
  {
    name: "State",
    cell: (row) => (
      <Badge tone={row.isStale ? "bad" : "good"} dot>
        {row.isStale ? "stale" : "flushing"}
      </Badge>
    ),
  },
  { name: "Last flush", cell: (row) => (row.lastFlushAt === null ? <None /> : <Ago at={row.lastFlushAt} />) },
  { name: "Up for", cell: (row) => <Length from={row.startedAt} to={null} /> },
  { name: "Ops address", role: "wide", from: "lg", cell: (row) => <span className="font-mono text-xs break-all">{row.opsUrl}</span> },
];

/** The data-plane processes, and how far behind their books are. */
export function Gateways({ gateways, tick, liveness }: { gateways: readonly Gateway[]; tick: Tick | null; liveness: Liveness }) {
  const lag =
    tick === null || liveness.kind !== "live"
      ? null
      : `Flush lag ${formatDuration(tick.flushLagMs)}, ${formatBytes(tick.unflushedBytes)} not yet booked.`;
  return (
    <Card flush title="Gateways" description={lag ?? "Books are written every five seconds."}>
      {gateways.length === 0 ? (
        <EmptyState icon={Router} title="No gateway is running">
          Start one with npm start. Without a gateway no request is carried.
        </EmptyState>
      ) : (
        <DataTable label="Gateways" columns={columns} rows={gateways} rowKey={(row) => row.id} />
      )}
    </Card>
  );
}
