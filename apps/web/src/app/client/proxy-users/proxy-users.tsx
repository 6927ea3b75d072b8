"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Users } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { ProxyUser } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { Named } from "#ui/cells.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { CopyButton } from "#ui/copy-button.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { rememberSecret } from "../shown-secrets.ts";
import { UsedUp } from "../used-up.tsx";
import { AllowlistDialog } from "./allowlist-dialog.tsx";
import { CreateDialog } from "./create-dialog.tsx";
import { LimitMeter } from "./limit-meters.tsx";
import { LimitsDialog } from "./limits-dialog.tsx";
import { RulesDialog } from "./rules-dialog.tsx";
import { SecretDialog, type ShownSecret } from "./secret-dialog.tsx";
import { TagCaps } from "./tag-caps.tsx";

export function ProxyUsers() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const users = useQuery(trpc.client.proxyUsers.list.queryOptions());
  const [isCreating, setCreating] = useState(false);
  const [secret, setSecret] = useState<ShownSecret | null>(null);
  const [rotating, setRotating] = useState<ProxyUser | null>(null);
  const [ruled, setRuled] = useState<ProxyUser | null>(null);
  const [limited, setLimited] = useState<ProxyUser | null>(null);
  const [listed, setListed] = useState<ProxyUser | null>(null);
  const refresh = () => queryClient.invalidateQueries(trpc.client.pathFilter());
  const show = (shown: ShownSecret) => {
    rememberSecret(shown.username, shown.password);
    setSecret(shown);
    setCreating(false);
    setRotating(null);
    return refresh();
  };
  const rotate = useMutation(trpc.client.proxyUsers.rotateSecret.mutationOptions({ onSuccess: show }));
  const disable = useMutation(trpc.client.proxyUsers.disable.mutationOptions({ onSuccess: refresh }));
  const enable = useMutation(trpc.client.proxyUsers.enable.mutationOptions({ onSuccess: refresh }));
  const failure = disable.error ?? enable.error;
  const create = (
    <Button look="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden="true" />
      Create proxy user
    </Button>
  );
  const columns = makeColumns({
    onRotate: setRotating,
    onRules: setRuled,
    onLimits: setLimited,
    onAddresses: setListed,
    onToggle: (user) => (user.status === "active" ? disable : enable).mutate({ id: user.id }),
    isToggling: (user) => (disable.isPending && disable.variables.id === user.id) || (enable.isPending && enable.variables.id === user.id),
  });
  return (
    <>
      <PageHeader
        title="Proxy users"
        description="The credentials that your programs send. Give each program its own, and you can limit or stop it alone."
        actions={create}
      />
      <Card flush className="mb-4">
        {failure === null ? null : <ErrorPanel className="m-3" failure={readFailure(failure)} />}
        <Loaded query={users}>
          {(rows) =>
            rows.length === 0 ? (
              <EmptyState icon={Users} title="No proxy user yet" action={create}>
                Create one to get a name and a password for the proxy endpoint. The password is shown once.
              </EmptyState>
            ) : (
              <DataTable label="Proxy users" columns={columns} rows={rows} rowKey={(user) => user.id} />
            )
          }
        </Loaded>
      </Card>
      <div className="space-y-4">
        <TagCaps refresh={refresh} />
        <UsedUp />
      </div>
      {isCreating ? <CreateDialog onOpenChange={setCreating} onCreated={show} /> : null}
      {rotating === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setRotating(null)}
          title={`Rotate the password of ${rotating.username}?`}
          description="The old password stops working at once. Programs that use it are refused until they have the new one."
          confirmLabel="Rotate password"
          isDanger
          busy={rotate.isPending}
          failure={rotate.error === null ? null : readFailure(rotate.error)}
          onConfirm={() => rotate.mutate({ id: rotating.id })}
        />
      )}
      {listed === null ? null : <AllowlistDialog user={listed} onOpenChange={() => setListed(null)} onChanged={refresh} />}
      {limited === null ? null : <LimitsDialog user={limited} onOpenChange={() => setLimited(null)} onSaved={refresh} />}
      {ruled === null ? null : <RulesDialog user={ruled} onOpenChange={() => setRuled(null)} onSaved={refresh} />}
      {secret === null ? null : <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

interface RowActions {
  onRotate: (user: ProxyUser) => void;
  onRules: (user: ProxyUser) => void;
  onLimits: (user: ProxyUser) => void;
  onAddresses: (user: ProxyUser) => void;
  onToggle: (user: ProxyUser) => void;
  isToggling: (user: ProxyUser) => boolean;
}

function makeColumns({ onRotate, onRules, onLimits, onAddresses, onToggle, isToggling }: RowActions): Column<ProxyUser>[] {
  return [
    {
      name: "Proxy user",
      role: "lead",
      cell: (user) => (
        <span className="flex items-center gap-1">
          <Named name={user.username} note={user.label} />
          <CopyButton text={user.username} label={`Copy the name ${user.username}`} />
        </span>
      ),
    },
    { name: "State", cell: (user) => <Badge tone={user.status === "active" ? "good" : "neutral"}>{user.status}</Badge> },
    { name: "Used", cell: (user) => <Used user={user} /> },
    { name: "Created", from: "lg", cell: (user) => <Moment at={user.createdAt} /> },
    {
      name: "Actions",
      role: "actions",
      align: "right",
      cell: (user) => (
        <span className="inline-flex flex-wrap gap-2">
          <Button size="sm" onClick={() => onAddresses(user)} aria-label={`Addresses of ${user.username}`}>
            Addresses{user.allowlistSize > 0 ? ` (${user.allowlistSize})` : ""}
          </Button>
          <Button size="sm" onClick={() => onLimits(user)} aria-label={`Limits of ${user.username}`}>
            Limits{hasLimits(user) ? " (set)" : ""}
          </Button>
          <Button size="sm" onClick={() => onRules(user)} aria-label={`Rules of ${user.username}`}>
            Rules{user.allowedSources.length + user.allowedHosts.length > 0 ? " (set)" : ""}
          </Button>
          <Button size="sm" onClick={() => onRotate(user)}>
            Rotate password
          </Button>
          <Button size="sm" look={user.status === "active" ? "danger" : "outline"} busy={isToggling(user)} onClick={() => onToggle(user)}>
            {user.status === "active" ? "Disable" : "Enable"}
          </Button>
        </span>
      ),
    },
  ];
}

function hasLimits({ trafficLimitBytes, dayLimitBytes, monthLimitBytes }: ProxyUser): boolean {
  return (trafficLimitBytes ?? dayLimitBytes ?? monthLimitBytes) !== null;
}

/** In total, and of the day and the month where they are limited. */
function Used({ user }: { user: ProxyUser }) {
  const { username, dayLimitBytes, monthLimitBytes } = user;
  return (
    <span className="block space-y-1.5">
      <LimitMeter label={`Traffic of ${username}`} used={user.usedBytes} limit={user.trafficLimitBytes} />
      {dayLimitBytes === null ? null : (
        <LimitMeter label={`Traffic of ${username} today`} used={user.dayUsedBytes} limit={dayLimitBytes} when="today" />
      )}
      {monthLimitBytes === null ? null : (
        <LimitMeter label={`Traffic of ${username} this month`} used={user.monthUsedBytes} limit={monthLimitBytes} when="this month" />
      )}
    </span>
  );
}
