"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AdminSession } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { Bytes, Named, Place, Target, Usd } from "#ui/cells.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { protocolName } from "../../protocol-name.ts";
import { NoSession, SessionState, type StatusFilter, StatusFilterBar } from "../../session-cells.tsx";

const refreshMs = 2_000;

const columns: Column<AdminSession>[] = [
  { name: "Target", role: "lead", cell: (row) => <TargetCell row={row} /> },
  { name: "State", cell: (row) => <SessionState closedAt={row.closedAt} closeReason={row.closeReason} /> },
  { name: "Client", role: "wide", cell: (row) => <Named name={row.clientEmail} note={row.proxyUsername} /> },
  { name: "Node", role: "wide", from: "lg", cell: (row) => <NodeCell row={row} /> },
  { name: "Opened", cell: (row) => <Moment at={row.openedAt} /> },
  { name: "Down", align: "right", cell: (row) => <Bytes amount={row.downBytes} /> },
  { name: "Up", align: "right", cell: (row) => <Bytes amount={row.upBytes} /> },
  { name: "Charged", align: "right", cell: (row) => <Usd isExact amount={row.dueMicroUsd} /> },
  { name: "Operator earns", align: "right", from: "lg", cell: (row) => <Usd isExact amount={row.earnedMicroUsd} /> },
];

export function AdminSessions({ initialSearch }: { initialSearch: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [status, setStatus] = useState<StatusFilter>("all");
  const [search, setSearch] = useState(initialSearch);
  const [asked, setAsked] = useState<AdminSession | null>(null);
  const filters = { status, ...(search === "" ? {} : { search }) };
  const sessions = usePages({
    queryKey: trpc.admin.sessions.infiniteQueryKey(filters),
    fetchPage: (page, options) => client.admin.sessions.query({ ...filters, ...page }, options),
    refreshMs,
  });
  const isFiltered = status !== "all" || search !== "";
  const end = useMutation(
    trpc.admin.endSession.mutationOptions({
      onSuccess: () => {
        setAsked(null);
        return queryClient.invalidateQueries(trpc.admin.sessions.pathFilter());
      },
    }),
  );
  const ask = (row: AdminSession) => {
    end.reset();
    setAsked(row);
  };
  const withActions = makeColumns(ask);
  return (
    <>
      <PageHeader
        title="Sessions"
        description="The same rows that clients and operators see, under the same ids, with both sides of the money."
      />
      <Card flush>
        <Toolbar>
          <StatusFilterBar value={status} onValue={setStatus} />
          <SearchField label="Search target, e-mail or id" onSearch={setSearch} initial={initialSearch} />
        </Toolbar>
        <LoadedPages
          query={sessions}
          empty={<NoSession isFiltered={isFiltered}>Sessions appear within seconds of a client's first request.</NoSession>}
        >
          {(rows) => <DataTable label="Sessions" columns={withActions} rows={rows} rowKey={(row) => row.id} />}
        </LoadedPages>
      </Card>
      {asked === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setAsked(null)}
          title="End this session?"
          description={`${asked.targetHost}:${asked.targetPort} of ${asked.clientEmail}. Both sides are closed at once; what has moved stays charged.`}
          confirmLabel="End session"
          isDanger
          reason="required"
          busy={end.isPending}
          failure={end.error === null ? null : readFailure(end.error)}
          onConfirm={(reason) => end.mutate({ id: asked.id, reason })}
        />
      )}
    </>
  );
}

function TargetCell({ row }: { row: AdminSession }) {
  return (
    <span className="block min-w-0">
      <Target host={row.targetHost} port={row.targetPort} />
      <span className="flex items-center gap-1 text-xs whitespace-nowrap text-faint">
        {protocolName(row.protocol)} · <ShortId name="session id" id={row.id} />
      </span>
    </span>
  );
}

function NodeCell({ row }: { row: AdminSession }) {
  return (
    <span className="block min-w-0">
      <Named name={row.nodeLabel} note={row.operatorEmail} />
      {row.exitCountry === null ? null : (
        <span className="text-xs">
          <Place country={row.exitCountry} city={row.exitCity} />
        </span>
      )}
    </span>
  );
}

function makeColumns(onAsk: (row: AdminSession) => void): Column<AdminSession>[] {
  return [...columns, { name: "Actions", role: "actions", align: "right", cell: (row) => <EndButton row={row} onAsk={onAsk} /> }];
}

function EndButton({ row, onAsk }: { row: AdminSession; onAsk: (row: AdminSession) => void }) {
  if (row.closedAt !== null) return null;
  return (
    <Button size="sm" look="danger" onClick={() => onAsk(row)} aria-label={`End session ${row.id}`}>
      End
    </Button>
  );
}
