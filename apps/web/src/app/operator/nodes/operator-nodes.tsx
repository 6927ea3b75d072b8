"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Archive, Pause, Play, Smartphone } from "lucide-react";
import { useState, type ReactNode } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Node } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { nodeColumns } from "../../node-columns.tsx";
import { AddNodeButton } from "../add-node-button.tsx";

const refreshMs = 2_000;
type Asked = { kind: "pause" | "retire"; node: Node };

export function OperatorNodes() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const nodes = useQuery(trpc.operator.nodes.list.queryOptions(undefined, { refetchInterval: refreshMs }));
  const [asked, setAsked] = useState<Asked | null>(null);
  const done = {
    onSuccess: () => {
      setAsked(null);
      return queryClient.invalidateQueries(trpc.operator.pathFilter());
    },
  };
  const pause = useMutation(trpc.operator.nodes.pause.mutationOptions(done));
  const resume = useMutation(trpc.operator.nodes.resume.mutationOptions(done));
  const retire = useMutation(trpc.operator.nodes.retire.mutationOptions(done));
  const ask = (next: Asked) => {
    pause.reset();
    retire.reset();
    setAsked(next);
  };
  const columns = makeColumns((node) => (
    <Actions
      node={node}
      isResuming={resume.isPending && resume.variables.id === node.id}
      onAsk={ask}
      onResume={() => resume.mutate({ id: node.id })}
    />
  ));
  return (
    <>
      <PageHeader title="Nodes" description="Devices that joined your fleet, as they are now." actions={<AddNodeButton />} />
      <Card flush>
        {resume.error === null ? null : <ErrorPanel className="m-3" failure={readFailure(resume.error)} />}
        <Loaded query={nodes}>
          {(rows) =>
            rows.length === 0 ? (
              <EmptyState icon={Smartphone} title="No node yet" action={<AddNodeButton />}>
                Make a one-time code, run the agent on the device with it, and accept the terms there.
              </EmptyState>
            ) : (
              <DataTable label="Nodes" columns={columns} rows={rows} rowKey={(node) => node.id} />
            )
          }
        </Loaded>
      </Card>
      {asked?.kind === "pause" ? (
        <ConfirmDialog
          open
          onOpenChange={() => setAsked(null)}
          title={`Pause ${asked.node.label}?`}
          description="It takes no new sessions until you resume it. Open sessions finish."
          confirmLabel="Pause node"
          reason="optional"
          busy={pause.isPending}
          failure={pause.error === null ? null : readFailure(pause.error)}
          onConfirm={(reason) => pause.mutate({ id: asked.node.id, ...(reason === "" ? {} : { reason }) })}
        />
      ) : null}
      {asked?.kind === "retire" ? (
        <ConfirmDialog
          open
          onOpenChange={() => setAsked(null)}
          title={`Retire ${asked.node.label}?`}
          description="It leaves the fleet for good and its key is refused from now on. What it earned stays yours."
          confirmLabel="Retire node"
          isDanger
          busy={retire.isPending}
          failure={retire.error === null ? null : readFailure(retire.error)}
          onConfirm={() => retire.mutate({ id: asked.node.id })}
        />
      ) : null}
    </>
  );
}

function makeColumns(actions: (node: Node) => ReactNode): Column<Node>[] {
  return [...nodeColumns, { name: "Actions", role: "actions", align: "right", cell: actions }];
}

interface ActionsProps {
  node: Node;
  isResuming: boolean;
  onAsk: (asked: Asked) => void;
  onResume: () => void;
}

function Actions({ node, isResuming, onAsk, onResume }: ActionsProps) {
  if (node.status === "retired" || node.status === "suspended") return null;
  return (
    <span className="inline-flex gap-1.5">
      {node.status === "paused" ? (
        <Button size="sm" busy={isResuming} onClick={onResume} aria-label={`Resume ${node.label}`} title="Resume">
          <Play aria-hidden="true" />
          <span className="md:hidden">Resume</span>
        </Button>
      ) : (
        <Button size="sm" onClick={() => onAsk({ kind: "pause", node })} aria-label={`Pause ${node.label}`} title="Pause">
          <Pause aria-hidden="true" />
          <span className="md:hidden">Pause</span>
        </Button>
      )}
      <Button size="sm" look="danger" onClick={() => onAsk({ kind: "retire", node })} aria-label={`Retire ${node.label}`} title="Retire">
        <Archive aria-hidden="true" />
        <span className="md:hidden">Retire</span>
      </Button>
    </span>
  );
}
