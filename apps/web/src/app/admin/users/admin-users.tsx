"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Users } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AdminUser } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { Named, None } from "#ui/cells.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatUsd } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { AllowlistDialog } from "./allowlist-dialog.tsx";
import { TermsDialog } from "./terms-dialog.tsx";

const columns: Column<AdminUser>[] = [
  { name: "User", role: "lead", cell: (user) => <Named name={user.email} isDemo={user.isDemo} /> },
  { name: "Role", cell: (user) => <Badge tone={user.role === "admin" ? "accent" : "neutral"}>{user.role}</Badge> },
  { name: "State", cell: (user) => <State user={user} /> },
  {
    name: "E-mail",
    cell: (user) =>
      user.emailVerifiedAt === null ? <Badge tone="warn">not confirmed</Badge> : <span className="text-soft">confirmed</span>,
  },
  { name: "Wallet", from: "lg", cell: (user) => <WalletOf user={user} /> },
  { name: "Joined", cell: (user) => <Moment at={user.createdAt} /> },
];

/** What is in it; what was spent of it this month, and the cap, while it is on. */
function WalletOf({ user: { wallet } }: { user: AdminUser }) {
  if (wallet === null || (!wallet.isOn && wallet.balanceMicroUsd === 0n)) return <None />;
  const cap = wallet.capMicroUsd === null ? "no cap" : `of ${formatUsd(wallet.capMicroUsd)}`;
  return (
    <span className="tabular-nums">
      {formatUsd(wallet.balanceMicroUsd)}
      <span className="block text-xs text-faint">
        {wallet.isOn ? `${formatUsd(wallet.monthMicroUsd)} this month, ${cap}` : "switched off"}
      </span>
    </span>
  );
}

export function AdminUsers({ initialSearch }: { initialSearch: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [search, setSearch] = useState(initialSearch);
  const [asked, setAsked] = useState<AdminUser | null>(null);
  const [termed, setTermed] = useState<AdminUser | null>(null);
  const [listed, setListed] = useState<AdminUser | null>(null);
  const users = usePages({
    queryKey: trpc.admin.users.infiniteQueryKey(search === "" ? {} : { search }),
    fetchPage: (page, options) => client.admin.users.query({ ...(search === "" ? {} : { search }), ...page }, options),
  });
  const done = {
    onSuccess: () => {
      setAsked(null);
      return queryClient.invalidateQueries(trpc.admin.pathFilter());
    },
  };
  const suspend = useMutation(trpc.admin.suspendUser.mutationOptions(done));
  const reinstate = useMutation(trpc.admin.reinstateUser.mutationOptions(done));
  const isSuspending = asked?.status === "active";
  const change = isSuspending ? suspend : reinstate;
  const ask = (user: AdminUser) => {
    suspend.reset();
    reinstate.reset();
    setAsked(user);
  };
  const withActions = makeColumns({ onAsk: ask, onTerms: setTermed, onAddresses: setListed });
  return (
    <>
      <PageHeader title="Users" description="Everybody who can sign in." />
      <Card flush>
        <Toolbar>
          <SearchField label="Search e-mail or id" onSearch={setSearch} initial={initialSearch} />
        </Toolbar>
        <LoadedPages
          query={users}
          empty={
            <EmptyState icon={Users} title="No user matches">
              Search by a part of the e-mail address.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Users" columns={withActions} rows={rows} rowKey={(user) => user.id} />}
        </LoadedPages>
      </Card>
      {listed === null ? null : (
        <AllowlistDialog
          user={listed}
          onOpenChange={() => setListed(null)}
          onChanged={() => queryClient.invalidateQueries(trpc.admin.allowlist.pathFilter())}
        />
      )}
      {termed === null ? null : (
        <TermsDialog
          user={termed}
          onOpenChange={() => setTermed(null)}
          onSaved={() => queryClient.invalidateQueries(trpc.admin.pathFilter())}
        />
      )}
      {asked === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setAsked(null)}
          title={isSuspending ? `Suspend ${asked.email}?` : `Reinstate ${asked.email}?`}
          description={
            isSuspending
              ? "Every sign-in ends at once; a client's sessions are refused, an operator's nodes take nothing new."
              : "Signing in and traffic work again at once."
          }
          confirmLabel={isSuspending ? "Suspend user" : "Reinstate user"}
          isDanger={isSuspending}
          reason="required"
          busy={change.isPending}
          failure={change.error === null ? null : readFailure(change.error)}
          onConfirm={(reason) => change.mutate({ id: asked.id, reason })}
        />
      )}
    </>
  );
}

function State({ user }: { user: AdminUser }) {
  return (
    <span className="inline-flex flex-wrap gap-1">
      <Badge tone={user.status === "active" ? "good" : "bad"}>{user.status}</Badge>
      {user.terms?.kyc === "required" ? <Badge tone="warn">to be verified</Badge> : null}
      {user.terms === null || user.terms.countries.length === 0 ? null : (
        <Badge tone="neutral">{user.terms.countries.length} countries</Badge>
      )}
    </span>
  );
}

function StatusButton({ user, onAsk }: { user: AdminUser; onAsk: (user: AdminUser) => void }) {
  if (user.role === "admin") return null;
  const isActive = user.status === "active";
  return (
    <Button
      size="sm"
      look={isActive ? "danger" : "outline"}
      onClick={() => onAsk(user)}
      aria-label={`${isActive ? "Suspend" : "Reinstate"} ${user.email}`}
    >
      {isActive ? "Suspend" : "Reinstate"}
    </Button>
  );
}

interface RowActions {
  onAsk: (user: AdminUser) => void;
  onTerms: (user: AdminUser) => void;
  onAddresses: (user: AdminUser) => void;
}

function makeColumns({ onAsk, onTerms, onAddresses }: RowActions): Column<AdminUser>[] {
  return [
    ...columns,
    {
      name: "Actions",
      role: "actions",
      align: "right",
      cell: (user) => (
        <span className="inline-flex flex-wrap gap-2">
          {user.terms === null ? null : (
            <>
              <Button size="sm" onClick={() => onAddresses(user)} aria-label={`Addresses of ${user.email}`}>
                Addresses
              </Button>
              <Button size="sm" onClick={() => onTerms(user)} aria-label={`Terms of ${user.email}`}>
                Terms
              </Button>
            </>
          )}
          <StatusButton user={user} onAsk={onAsk} />
        </span>
      ),
    },
  ];
}
