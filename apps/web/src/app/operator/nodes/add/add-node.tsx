"use client";
import { CreateEnrolmentInput } from "@karvon/services/inputs";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, LoaderCircle } from "lucide-react";
import Link from "next/link";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Enrolment, Node } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { None } from "#ui/cells.tsx";
import { CodeLine } from "#ui/code-line.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { formatCountdown } from "#ui/format-time.ts";
import { Notice } from "#ui/notice.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Ago, Moment } from "#ui/time-cells.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { useNow } from "#ui/use-now.ts";

const refreshMs = 2_000;

export function AddNode() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const form = useForm({ label: "" });
  const create = useMutation(
    trpc.operator.enrolment.create.mutationOptions({
      onSuccess: () => queryClient.invalidateQueries(trpc.operator.enrolment.list.queryFilter()),
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const label = form.values.label.trim();
    const parsed = parseForm(CreateEnrolmentInput, label === "" ? {} : { label });
    if (parsed.ok) create.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <>
      <PageHeader
        title="Add a node"
        description="The code works once and for ten minutes. The device's owner reads and accepts the terms on the device; without that nothing is enrolled."
      />
      <div className="space-y-4">
        <Card title="1. Make a code">
          <Form className="flex flex-wrap items-end gap-2" onSubmit={send}>
            <TextField
              label="Name of the device (optional)"
              placeholder="Kitchen phone"
              autoComplete="off"
              className="w-full sm:w-72"
              {...form.bind("label")}
            />
            <Button type="submit" look="primary" busy={create.isPending}>
              {create.data === undefined ? "Make a code" : "Make another code"}
            </Button>
          </Form>
          {create.error === null ? null : <ErrorPanel className="mt-3" failure={readFailure(create.error)} />}
        </Card>
        {create.data === undefined ? null : (
          <CodeSteps key={create.data.code} code={create.data.code} command={create.data.command} expiresAt={create.data.expiresAt} />
        )}
        <RecentCodes />
      </div>
    </>
  );
}

/** The newest code that is not older than this one's making is this one: codes are listed newest first. */
function useOwnEnrolment(expiresAt: Date): Enrolment | null {
  const trpc = useTRPC();
  const list = useQuery(trpc.operator.enrolment.list.queryOptions(undefined, { refetchInterval: refreshMs }));
  return list.data?.find((row) => row.expiresAt.getTime() === expiresAt.getTime()) ?? null;
}

function CodeSteps({ code, command, expiresAt }: { code: string; command: string; expiresAt: Date }) {
  const trpc = useTRPC();
  const own = useOwnEnrolment(expiresAt);
  const nodeId = own?.usedByNodeId ?? null;
  const nodes = useQuery(trpc.operator.nodes.list.queryOptions(undefined, { refetchInterval: refreshMs, enabled: nodeId !== null }));
  const node = nodes.data?.find((row) => row.id === nodeId) ?? null;
  return (
    <>
      <Card title="2. Run this on the device" aside={<Countdown expiresAt={expiresAt} isUsed={nodeId !== null} />}>
        <CodeLine name="Enrolment command" code={command} testId="enrol-command" />
        <CodeLine name="Enrolment code" code={code} testId="enrol-code" className="mt-3" />
      </Card>
      <Card title="3. Wait for the node" testId="enrol-progress">
        <Progress nodeId={nodeId} node={node} expiresAt={expiresAt} />
      </Card>
    </>
  );
}

function Countdown({ expiresAt, isUsed }: { expiresAt: Date; isUsed: boolean }) {
  const nowMs = useNow(1_000);
  if (isUsed) return <Badge tone="good">used</Badge>;
  const leftMs = expiresAt.getTime() - nowMs;
  if (nowMs === 0) return null;
  return leftMs <= 0 ? (
    <Badge tone="bad">expired</Badge>
  ) : (
    <Badge tone={leftMs < 60_000 ? "warn" : "accent"}>expires in {formatCountdown(leftMs)}</Badge>
  );
}

function Progress({ nodeId, node, expiresAt }: { nodeId: string | null; node: Node | null; expiresAt: Date }) {
  const nowMs = useNow(1_000);
  if (node !== null && node.state !== "offline") return <Online node={node} />;
  if (nodeId === null && nowMs > expiresAt.getTime())
    return <Notice tone="warn">The code expired before a device used it. Make another one.</Notice>;
  return (
    <p role="status" className="flex items-center gap-2.5 text-soft">
      <LoaderCircle aria-hidden="true" className="size-4 animate-spin text-accent" />
      {nodeId === null ? "Waiting for a device to use the code." : "The device is enrolled. Start it with: karvon-agent run"}
    </p>
  );
}

function Online({ node }: { node: Node }) {
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <CircleCheck aria-hidden="true" className="size-5 text-good" />
      <span>
        <span className="font-medium">{node.label} is online</span>
        <span className="text-soft">{node.city === null ? "" : `, in ${node.city}`}</span>
      </span>
      <Button asChild size="sm" className="ml-auto">
        <Link href="/operator/nodes">See all nodes</Link>
      </Button>
    </div>
  );
}

const columns: Column<Enrolment>[] = [
  { name: "For", role: "lead", cell: (row) => <span className="font-medium">{row.label ?? "Unnamed device"}</span> },
  { name: "Made", cell: (row) => <Ago at={row.createdAt} /> },
  { name: "State", cell: (row) => <CodeState row={row} /> },
  { name: "Node", cell: (row) => row.usedByNodeLabel ?? <None /> },
  { name: "Used", cell: (row) => (row.usedAt === null ? <None /> : <Moment at={row.usedAt} />) },
];

function CodeState({ row }: { row: Enrolment }) {
  const nowMs = useNow(5_000);
  if (row.usedAt !== null) return <Badge tone="good">used</Badge>;
  return row.expiresAt.getTime() < nowMs ? <Badge>expired</Badge> : <Badge tone="accent">waiting</Badge>;
}

function RecentCodes() {
  const trpc = useTRPC();
  const list = useQuery(trpc.operator.enrolment.list.queryOptions(undefined, { refetchInterval: refreshMs }));
  return (
    <Card flush title="Recent codes" description="A code itself is shown once; here is what became of each.">
      <Loaded query={list}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="px-5 py-6 text-sm text-faint">No code has been made yet.</p>
          ) : (
            <DataTable label="Recent codes" columns={columns} rows={rows} rowKey={(row) => row.id} />
          )
        }
      </Loaded>
    </Card>
  );
}
