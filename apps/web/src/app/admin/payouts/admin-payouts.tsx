"use client";
import { useQueryClient } from "@tanstack/react-query";
import { Banknote } from "lucide-react";
import { useState } from "react";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AdminPayout } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatCountOf, formatUsd } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Segmented } from "#ui/segmented.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { payoutColumns } from "./payout-columns.tsx";
import { type AskedStep, StepDialog } from "./step-dialog.tsx";

const refreshMs = 5_000;
const views = ["open", "requested", "checked", "sent", "paid", "failed"] as const;
type View = (typeof views)[number];
const viewChoices = views.map((value) => ({ value, label: `${value.charAt(0).toUpperCase()}${value.slice(1)}` }));

export function AdminPayouts() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [view, setView] = useState<View>("open");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<AskedStep | null>(null);
  const filter = view === "open" ? {} : { status: view };
  const payouts = usePages({
    queryKey: trpc.admin.payouts.list.infiniteQueryKey(filter),
    fetchPage: (page, options) => client.admin.payouts.list.query({ ...filter, ...page }, options),
    refreshMs,
  });
  const show = (next: View) => {
    setView(next);
    setChosen(new Set());
  };
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  // A batch is of one state: what is chosen is sent, or was sent and is confirmed.
  const batchStep = view === "checked" ? "send" : view === "sent" ? "confirm" : null;
  const columns = payoutColumns({
    chosen,
    choosable: view === "checked" || view === "sent" ? view : null,
    onToggle: toggle,
    onAsk: setAsked,
  });
  return (
    <>
      <PageHeader
        title="Payouts"
        description="One admin checks a request, another sends it. Money that was reserved moves when the outcome is known."
      />
      <Card flush>
        <Toolbar>
          <Segmented label="State" value={view} onValue={show} choices={viewChoices} />
        </Toolbar>
        <LoadedPages
          query={payouts}
          empty={
            <EmptyState icon={Banknote} title={view === "open" ? "No open payout" : `No payout is ${view}`}>
              Operators ask for payouts on their own page. What waits for you is listed here.
            </EmptyState>
          }
        >
          {(rows) => (
            <>
              {batchStep === null ? null : <BatchBar rows={rows} chosen={chosen} step={batchStep} onAsk={setAsked} />}
              <DataTable label="Payouts" columns={columns} rows={rows} rowKey={(payout) => payout.id} />
            </>
          )}
        </LoadedPages>
      </Card>
      {asked === null ? null : (
        <StepDialog
          asked={asked}
          onOpenChange={() => setAsked(null)}
          onDone={async () => {
            setChosen(new Set());
            await queryClient.invalidateQueries(trpc.admin.pathFilter());
          }}
        />
      )}
    </>
  );
}

interface BatchBarProps {
  rows: readonly AdminPayout[];
  chosen: ReadonlySet<string>;
  step: "send" | "confirm";
  onAsk: (asked: AskedStep) => void;
}

/** What is chosen, its sum, and the step for all of it. */
function BatchBar({ rows, chosen, step, onAsk }: BatchBarProps) {
  const batch = rows.filter((payout) => chosen.has(payout.id));
  const sum = batch.reduce((total, payout) => total + payout.amountMicroUsd, 0n);
  return (
    <div className="flex flex-wrap items-center justify-between gap-2 border-b bg-sunken/60 px-4 py-2.5 sm:px-5">
      <span className="text-sm text-soft tabular-nums" aria-live="polite">
        {formatCountOf(batch.length, "payout")} chosen, {formatUsd(sum)}
      </span>
      <Button size="sm" look="primary" disabled={batch.length === 0} onClick={() => onAsk({ step, payouts: batch })}>
        {step === "send" ? "Send chosen" : "Mark chosen as paid"}
      </Button>
    </div>
  );
}
