"use client";
import { ShieldCheck } from "lucide-react";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { ClientRefusal } from "#trpc/types.ts";
import { Card } from "#ui/card.tsx";
import { Target } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { protocolName } from "../../protocol-name.ts";
import { RefusalReason } from "../../refusal-reason.tsx";

const refreshMs = 3_000;

const columns: Column<ClientRefusal>[] = [
  {
    name: "Why",
    role: "lead",
    cell: (row) => <RefusalReason code={row.code} detail={row.detail} />,
  },
  { name: "What to do", role: "wide", cell: (row) => <span className="text-soft">{row.action}</span> },
  { name: "Target", role: "wide", cell: (row) => <Target host={row.targetHost} port={row.targetPort} /> },
  { name: "Protocol", from: "lg", cell: (row) => protocolName(row.protocol) },
  { name: "At", cell: (row) => <Moment at={row.at} /> },
  {
    name: "Request id",
    from: "xl",
    cell: (row) => <ShortId name="request id" id={row.id} />,
  },
];

export function ClientRefusals() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const refusals = usePages({
    queryKey: trpc.client.refusals.infiniteQueryKey(),
    fetchPage: (page, options) => client.client.refusals.query({ ...page }, options),
    refreshMs,
  });
  return (
    <>
      <PageHeader
        title="Refusals"
        description="Requests that were not carried: why, and what to do. None of them is charged. SOCKS5 programs see only a number; the words are here."
      />
      <Card flush>
        <LoadedPages
          query={refusals}
          empty={
            <EmptyState icon={ShieldCheck} title="Nothing was refused">
              When a request cannot be carried, its code, its reason and the next step appear here within seconds.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Refusals" columns={columns} rows={rows} rowKey={(row) => row.id} />}
        </LoadedPages>
      </Card>
    </>
  );
}
