"use client";
import { correctionAloneMax } from "@karvon/domain";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { BookOpen } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { Correction } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatBytes, formatUsd } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { Segmented } from "#ui/segmented.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { amountsOf, correctionColumns } from "./correction-columns.tsx";
import { ProposeDialog } from "./propose-dialog.tsx";

const views = ["all", "proposed", "posted", "rejected"] as const;
type View = (typeof views)[number];
const viewChoices = views.map((value) => ({ value, label: `${value.charAt(0).toUpperCase()}${value.slice(1)}` }));

interface Asked {
  step: "approve" | "reject";
  correction: Correction;
}

export function Corrections() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [view, setView] = useState<View>("all");
  const [isProposing, setProposing] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const filter = view === "all" ? {} : { status: view };
  const corrections = usePages({
    queryKey: trpc.admin.corrections.list.infiniteQueryKey(filter),
    fetchPage: (page, options) => client.admin.corrections.list.query({ ...filter, ...page }, options),
  });
  const refresh = () => queryClient.invalidateQueries(trpc.admin.corrections.pathFilter());
  const propose = (
    <Button look="primary" onClick={() => setProposing(true)}>
      New correction
    </Button>
  );
  const columns = correctionColumns((step, correction) => setAsked({ step, correction }));
  return (
    <>
      <PageHeader
        title="Corrections"
        description="What staff adds to or takes from an account, by new entries. The owner reads the reason in the ledger."
        actions={propose}
      />
      <Card flush>
        <Toolbar>
          <Segmented label="State" value={view} onValue={setView} choices={viewChoices} />
        </Toolbar>
        <LoadedPages
          query={corrections}
          empty={
            <EmptyState icon={BookOpen} title={view === "all" ? "No correction yet" : `No correction is ${view}`} action={propose}>
              Up to {formatBytes(correctionAloneMax.bytes)} and {formatUsd(correctionAloneMax.microUsd)} in 24 hours are posted at once;
              beyond that another admin approves.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Corrections" columns={columns} rows={rows} rowKey={(row) => row.id} />}
        </LoadedPages>
      </Card>
      {isProposing ? <ProposeDialog onOpenChange={setProposing} onProposed={refresh} /> : null}
      {asked === null ? null : <DecideDialog asked={asked} onClose={() => setAsked(null)} onDone={refresh} />}
    </>
  );
}

function DecideDialog({ asked, onClose, onDone }: { asked: Asked; onClose: () => void; onDone: () => Promise<unknown> }) {
  const trpc = useTRPC();
  const done = {
    onSuccess: async () => {
      await onDone();
      onClose();
    },
  };
  const approve = useMutation(trpc.admin.corrections.approve.mutationOptions(done));
  const reject = useMutation(trpc.admin.corrections.reject.mutationOptions(done));
  const { step, correction } = asked;
  const isApproving = step === "approve";
  const change = isApproving ? approve : reject;
  return (
    <ConfirmDialog
      open
      onOpenChange={onClose}
      title={`${isApproving ? "Post" : "Reject"} ${amountsOf(correction).join(", ")} for ${correction.ownerEmail}?`}
      description={isApproving ? `Reason: ${correction.reason}` : "Nothing is posted. Both admins stay on record."}
      confirmLabel={isApproving ? "Post correction" : "Reject correction"}
      isDanger={!isApproving}
      {...(isApproving ? {} : { reason: "required" as const })}
      busy={change.isPending}
      failure={change.error === null ? null : readFailure(change.error)}
      onConfirm={(reason) => (isApproving ? approve.mutate({ id: correction.id }) : reject.mutate({ id: correction.id, reason }))}
    />
  );
}
