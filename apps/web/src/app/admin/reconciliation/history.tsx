import { ListChecks } from "lucide-react";
import type { ReconciliationRun } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Card } from "#ui/card.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatCount } from "#ui/format.ts";
import { formatDuration } from "#ui/format-time.ts";
import { Moment } from "#ui/time-cells.tsx";

export function History({ runs }: { runs: readonly ReconciliationRun[] }) {
  return (
    <Card flush title="Runs" description={`The last ${formatCount(runs.length)}, newest first.`}>
      {runs.length === 0 ? (
        <EmptyState icon={ListChecks} title="No run yet">
          The first is made when the platform starts.
        </EmptyState>
      ) : (
        <DataTable label="Runs" columns={columns} rows={runs} rowKey={(run) => String(run.id)} />
      )}
    </Card>
  );
}

const columns: Column<ReconciliationRun>[] = [
  { name: "At", role: "lead", cell: (run) => <Moment at={run.at} /> },
  { name: "Result", cell: (run) => <Result run={run} /> },
  { name: "Looked at", cell: (run) => (run.scope === "full" ? "everything" : "what changed") },
  { name: "Took", align: "right", cell: (run) => formatDuration(run.milliseconds) },
  { name: "Asked by", role: "wide", from: "lg", cell: (run) => <span className="text-faint">{askedBy(run.askedBy)}</span> },
];

function Result({ run }: { run: ReconciliationRun }) {
  if (run.failure !== null) {
    return (
      <span className="inline-block max-w-96">
        <Badge tone="warn">no result</Badge>
        <span className="mt-0.5 block text-xs break-words text-faint">{run.failure}</span>
      </span>
    );
  }
  return run.badCount === 0 ? <Badge tone="good">equal</Badge> : <Badge tone="bad">{formatCount(run.badCount)} wrong</Badge>;
}

function askedBy(actor: string): string {
  if (actor === "system:schedule") return "schedule";
  return actor === "system:cli" ? "command line" : actor;
}
