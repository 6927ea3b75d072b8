"use client";
import { useState } from "react";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { OperatorSession } from "#trpc/types.ts";
import { Card } from "#ui/card.tsx";
import { Bytes, Target, Usd } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { Length, Moment } from "#ui/time-cells.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { protocolName } from "../../protocol-name.ts";
import { NoSession, SessionState, type StatusFilter, StatusFilterBar } from "../../session-cells.tsx";

const refreshMs = 2_000;

const columns: Column<OperatorSession>[] = [
  { name: "Node", role: "lead", cell: (row) => <span className="font-medium">{row.nodeLabel}</span> },
  { name: "State", cell: (row) => <SessionState closedAt={row.closedAt} closeReason={row.closeReason} /> },
  { name: "Domain", role: "wide", cell: (row) => <Target host={row.targetHost} port={null} /> },
  { name: "Protocol", from: "xl", cell: (row) => protocolName(row.protocol) },
  { name: "Opened", cell: (row) => <Moment at={row.openedAt} /> },
  { name: "Length", align: "right", from: "lg", cell: (row) => <Length from={row.openedAt} to={row.closedAt} /> },
  { name: "Down", align: "right", cell: (row) => <Bytes amount={row.downBytes} /> },
  { name: "Up", align: "right", cell: (row) => <Bytes amount={row.upBytes} /> },
  { name: "Earned", align: "right", cell: (row) => <Usd isExact amount={row.earnedMicroUsd} /> },
  {
    name: "Session id",
    from: "xl",
    cell: (row) => <ShortId name="session id" id={row.id} />,
  },
  { name: "Receipt", role: "actions", align: "right", cell: (row) => <TextLink href={`/operator/sessions/${row.id}`}>Receipt</TextLink> },
];

export function OperatorSessions() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const [status, setStatus] = useState<StatusFilter>("all");
  const [search, setSearch] = useState("");
  const filters = { status, ...(search === "" ? {} : { search }) };
  const sessions = usePages({
    queryKey: trpc.operator.sessions.infiniteQueryKey(filters),
    fetchPage: (page, options) => client.operator.sessions.query({ ...filters, ...page }, options),
    refreshMs,
  });
  const isFiltered = status !== "all" || search !== "";
  return (
    <>
      <PageHeader
        title="Sessions"
        description="What your nodes carried. You see the domain and the bytes, never what was in them or who asked."
      />
      <Card flush>
        <Toolbar>
          <StatusFilterBar value={status} onValue={setStatus} />
          <SearchField label="Search domain, node or id" onSearch={setSearch} />
        </Toolbar>
        <LoadedPages
          query={sessions}
          empty={
            <NoSession isFiltered={isFiltered}>
              As soon as a client's request leaves through one of your nodes, it appears here with what you earn for it.
            </NoSession>
          }
        >
          {(rows) => <DataTable label="Sessions" columns={columns} rows={rows} rowKey={(row) => row.id} />}
        </LoadedPages>
      </Card>
    </>
  );
}
