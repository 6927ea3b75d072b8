"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Smartphone } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AdminNode } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { nodeColumns } from "../../node-columns.tsx";

const refreshMs = 3_000;

export function AdminNodes({ initialSearch }: { initialSearch: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [search, setSearch] = useState(initialSearch);
  const [asked, setAsked] = useState<AdminNode | null>(null);
  const nodes = usePages({
    queryKey: trpc.admin.nodes.infiniteQueryKey(search === "" ? {} : { search }),
    fetchPage: (page, options) => client.admin.nodes.query({ ...(search === "" ? {} : { search }), ...page }, options),
    refreshMs,
  });
  const done = {
    onSuccess: () => {
      setAsked(null);
      return queryClient.invalidateQueries(trpc.admin.pathFilter());
    },
  };
  const suspend = useMutation(trpc.admin.suspendNode.mutationOptions(done));
  const reinstate = useMutation(trpc.admin.reinstateNode.mutationOptions(done));
  const isReinstating = asked?.status === "suspended";
  const change = isReinstating ? reinstate : suspend;
  const ask = (node: AdminNode) => {
    suspend.reset();
    reinstate.reset();
    setAsked(node);
  };
  const columns = makeColumns(ask);
  return (
    <>
      <PageHeader title="Nodes" description="Every device in the network, whoever operates it." />
      <Card flush>
        <Toolbar>
          <SearchField label="Search node, operator or address" onSearch={setSearch} initial={initialSearch} />
        </Toolbar>
        <LoadedPages
          query={nodes}
          empty={
            <EmptyState icon={Smartphone} title={search === "" ? "No node yet" : "No node matches"}>
              {search === ""
                ? "Operators add nodes with a one-time code from their own panel."
                : "Search by label, operator, address or id."}
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Nodes" columns={columns} rows={rows} rowKey={(node) => node.id} />}
        </LoadedPages>
      </Card>
      {asked === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setAsked(null)}
          title={isReinstating ? `Reinstate ${asked.label}?` : `Suspend ${asked.label}?`}
          description={
            isReinstating
              ? "It may take traffic again as soon as it is online."
              : "It takes nothing new from now on. What it earned stays its operator's."
          }
          confirmLabel={isReinstating ? "Reinstate node" : "Suspend node"}
          isDanger={!isReinstating}
          reason="required"
          busy={change.isPending}
          failure={change.error === null ? null : readFailure(change.error)}
          onConfirm={(reason) => change.mutate({ id: asked.id, reason })}
        />
      )}
    </>
  );
}

function StatusButton({ node, onAsk }: { node: AdminNode; onAsk: (node: AdminNode) => void }) {
  if (node.status === "retired") return null;
  const isSuspended = node.status === "suspended";
  return (
    <Button
      size="sm"
      look={isSuspended ? "outline" : "danger"}
      onClick={() => onAsk(node)}
      aria-label={`${isSuspended ? "Reinstate" : "Suspend"} ${node.label}`}
    >
      {isSuspended ? "Reinstate" : "Suspend"}
    </Button>
  );
}

function makeColumns(onAsk: (node: AdminNode) => void): Column<AdminNode>[] {
  return [
    ...nodeColumns.filter((column) => column.name !== "Earned today"),
    { name: "Operator", from: "xl", cell: (node) => <span className="break-words text-soft">{node.operatorEmail}</span> },
    { name: "Actions", role: "actions", align: "right", cell: (node) => <StatusButton node={node} onAsk={onAsk} /> },
  ];
}
