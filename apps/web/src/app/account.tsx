"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { SignInSession } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { None } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Ago, Moment } from "#ui/time-cells.tsx";
import { describeBrowser } from "./describe-browser.ts";

interface AccountProps {
  viewer: { email: string; displayName: string | null; role: string };
}

/** Who is signed in, where, and how to end what is not yours. The same for all roles. */
export function Account({ viewer }: AccountProps) {
  return (
    <>
      <PageHeader title="Account & security" description="Your address, and every browser that is signed in with it." />
      <div className="space-y-4">
        <Card title="Account">
          <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-3">
            <Fact name="E-mail" value={viewer.email} />
            <Fact name="Name" value={viewer.displayName ?? "Not given"} />
            <Fact name="Role" value={viewer.role} />
          </dl>
        </Card>
        <SignInSessions />
      </div>
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="min-w-0">
      <dt className="text-sm text-faint">{name}</dt>
      <dd className="font-medium break-words">{value}</dd>
    </div>
  );
}

function SignInSessions() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const sessions = useQuery(trpc.auth.sessions.list.queryOptions());
  const refresh = { onSuccess: () => queryClient.invalidateQueries(trpc.auth.sessions.list.queryFilter()) };
  const revoke = useMutation(trpc.auth.sessions.revoke.mutationOptions(refresh));
  const revokeOthers = useMutation(trpc.auth.sessions.revokeOthers.mutationOptions(refresh));
  const failure = revoke.error ?? revokeOthers.error;
  const others = sessions.data?.filter((session) => !session.isCurrent).length ?? 0;
  const columns = makeColumns((session) => (
    <Button
      size="sm"
      look="danger"
      busy={revoke.isPending && revoke.variables.id === session.id}
      onClick={() => revoke.mutate({ id: session.id })}
    >
      Revoke
    </Button>
  ));
  return (
    <Card
      flush
      title="Signed-in browsers"
      description="A revoked browser is refused at its next request."
      aside={
        <Button size="sm" disabled={others === 0} busy={revokeOthers.isPending} onClick={() => revokeOthers.mutate()}>
          Revoke all others
        </Button>
      }
    >
      {failure === null ? null : <ErrorPanel className="m-3" failure={readFailure(failure)} />}
      <Loaded query={sessions}>
        {(rows) => <DataTable label="Signed-in browsers" columns={columns} rows={rows} rowKey={(session) => session.id} />}
      </Loaded>
    </Card>
  );
}

function makeColumns(action: (session: SignInSession) => ReactNode): Column<SignInSession>[] {
  return [
    {
      name: "Browser",
      role: "lead",
      cell: (session) => (
        <span className="flex flex-wrap items-center gap-2" title={session.userAgent ?? undefined}>
          <span className="font-medium">{describeBrowser(session.userAgent)}</span>
          {session.isCurrent ? <Badge tone="good">this browser</Badge> : null}
        </span>
      ),
    },
    {
      name: "Address",
      cell: (session) => (session.ipAddress === null ? <None /> : <span className="font-mono text-xs break-all">{session.ipAddress}</span>),
    },
    { name: "Signed in", cell: (session) => <Moment at={session.createdAt} /> },
    { name: "Last seen", cell: (session) => <Ago at={session.lastSeenAt} /> },
    { name: "Actions", role: "actions", align: "right", cell: (session) => (session.isCurrent ? null : action(session)) },
  ];
}
