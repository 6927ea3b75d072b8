"use client";
import { useQuery } from "@tanstack/react-query";
import { Link2, ScrollText } from "lucide-react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AuditRow } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { Named, None } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { formatCount } from "#ui/format.ts";
import { Notice } from "#ui/notice.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { showJson } from "#ui/show-json.ts";
import { Moment } from "#ui/time-cells.tsx";

const columns: Column<AuditRow>[] = [
  { name: "Action", role: "lead", cell: (row) => <span className="font-mono text-xs font-medium">{row.action}</span> },
  { name: "Who", role: "wide", cell: (row) => <Actor row={row} /> },
  {
    name: "What",
    cell: (row) => (row.subjectId === null ? <None /> : <ShortId name="id" id={row.subjectId} />),
  },
  { name: "Why", cell: (row) => row.reason ?? <None /> },
  { name: "Detail", role: "wide", from: "xl", cell: (row) => <Detail detail={row.detail} /> },
  { name: "At", cell: (row) => <Moment at={row.at} /> },
  { name: "Row", align: "right", cell: (row) => <span className="font-mono text-xs text-faint">#{row.seq.toString()}</span> },
];

export function AuditLog() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const audit = usePages({
    queryKey: trpc.admin.audit.infiniteQueryKey(),
    fetchPage: (page, options) => client.admin.audit.query({ ...page }, options),
  });
  const verification = useQuery(trpc.admin.verifyAudit.queryOptions(undefined, { enabled: false }));
  return (
    <>
      <PageHeader
        title="Audit log"
        description="Who did what. Rows are only added, and each row's hash covers the row before it."
        actions={
          <Button busy={verification.isFetching} onClick={() => void verification.refetch()}>
            <Link2 aria-hidden="true" />
            Verify chain
          </Button>
        }
      />
      {verification.error === null ? null : <ErrorPanel className="mb-4" failure={readFailure(verification.error)} />}
      {verification.data === undefined ? null : (
        <Verdict rows={verification.data.rows} ok={verification.data.ok} firstBadSeq={verification.data.firstBadSeq} />
      )}
      <Card flush>
        <LoadedPages
          query={audit}
          empty={
            <EmptyState icon={ScrollText} title="No row yet">
              Every change that somebody makes in a panel or with the command line is written here.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Audit log" columns={columns} rows={rows} rowKey={(row) => row.seq.toString()} />}
        </LoadedPages>
      </Card>
    </>
  );
}

function Verdict({ rows, ok, firstBadSeq }: { rows: number; ok: boolean; firstBadSeq: bigint | null }) {
  if (ok) {
    return (
      <Notice tone="good" className="mb-4" title="The chain is whole">
        {formatCount(rows)} rows were checked, each against the one before it.
      </Notice>
    );
  }
  return (
    <Notice tone="bad" className="mb-4" title={`The chain breaks at row #${firstBadSeq?.toString() ?? "?"}`}>
      {formatCount(rows)} rows were checked. That row, or the one before it, was changed or removed outside Karvon.
    </Notice>
  );
}

/** Whoever signs in is nobody yet: the row then says so once. */
function Actor({ row }: { row: AuditRow }) {
  const name = row.actorEmail ?? row.actorId;
  return <Named name={name} note={name === row.actorRole ? null : row.actorRole} />;
}

function Detail({ detail }: { detail: unknown }) {
  const text = showJson(detail);
  if (text === "" || text === "{}" || text === "null") return <None />;
  return (
    <code className="block max-w-xs truncate font-mono text-xs text-faint" title={text}>
      {text}
    </code>
  );
}
