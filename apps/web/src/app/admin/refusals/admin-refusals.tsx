"use client";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AdminRefusal } from "#trpc/types.ts";
import { Card } from "#ui/card.tsx";
import { Named, Target } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { protocolName } from "../../protocol-name.ts";
import { RefusalReason } from "../../refusal-reason.tsx";

const refreshMs = 3_000;

const columns: Column<AdminRefusal>[] = [
  {
    name: "Why",
    role: "lead",
    cell: (row) => <RefusalReason code={row.code} detail={row.detail} />,
  },
  { name: "Client", role: "wide", cell: (row) => <Named name={row.clientEmail ?? "not known"} note={row.proxyUsername ?? ""} /> },
  { name: "From", from: "lg", cell: (row) => row.clientAddress ?? "" },
  { name: "Target", role: "wide", cell: (row) => <Target host={row.targetHost} port={row.targetPort} /> },
  { name: "Protocol", from: "lg", cell: (row) => protocolName(row.protocol) },
  { name: "At", cell: (row) => <Moment at={row.at} /> },
  { name: "Request id", cell: (row) => <ShortId name="request id" id={row.id} /> },
];

export function AdminRefusals() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const [search, setSearch] = useState("");
  const filters = search === "" ? {} : { search };
  const refusals = usePages({
    queryKey: trpc.admin.refusals.infiniteQueryKey(filters),
    fetchPage: (page, options) => client.admin.refusals.query({ ...filters, ...page }, options),
    refreshMs,
  });
  return (
    <>
      <PageHeader
        title="Refusals"
        description="Requests that were not carried, also those that showed no credentials. A request id that a program was given finds its row."
      />
      <Card flush>
        <Toolbar>
          <SearchField label="Request id, code, address or user" onSearch={setSearch} />
        </Toolbar>
        <LoadedPages
          query={refusals}
          empty={
            <EmptyState icon={ShieldCheck} title={search === "" ? "Nothing was refused" : "No refusal matches"}>
              {search === "" ? "What cannot be carried appears here within seconds." : "The search takes whole words only."}
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Refusals" columns={columns} rows={rows} rowKey={(row) => row.id} />}
        </LoadedPages>
      </Card>
    </>
  );
}
