"use client";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { AdminPayout } from "#trpc/types.ts";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { formatCountOf, formatUsd } from "#ui/format.ts";
import { BankAccount } from "../../payout-state.tsx";

export type PayoutStep = "check" | "send" | "confirm" | "fail";
export interface AskedStep {
  step: PayoutStep;
  payouts: readonly AdminPayout[];
}

interface StepDialogProps {
  asked: AskedStep;
  onOpenChange: () => void;
  onDone: () => Promise<unknown>;
}

const words = {
  check: {
    title: "Check",
    description: "You say that amount, holder and account are right. Another admin sends it: you cannot send what you checked.",
    label: "Check payout",
  },
  send: { title: "Send", description: "Give it to the bank once this says yes. The operator sees that it is on its way.", label: "Send" },
  fail: {
    title: "Fail",
    description: "The money is the operator's again, by new entries. The operator reads the reason.",
    label: "Fail payout",
  },
} as const;

/** Says whose money and how much before each step. */
export function StepDialog({ asked, onOpenChange, onDone }: StepDialogProps) {
  const trpc = useTRPC();
  const done = {
    onSuccess: async () => {
      await onDone();
      onOpenChange();
    },
  };
  const check = useMutation(trpc.admin.payouts.check.mutationOptions(done));
  const send = useMutation(trpc.admin.payouts.send.mutationOptions(done));
  const fail = useMutation(trpc.admin.payouts.fail.mutationOptions(done));
  const ids = asked.payouts.map((payout) => payout.id);
  const [first = ""] = ids;
  if (asked.step === "confirm") return <PaidDialog payouts={asked.payouts} onOpenChange={onOpenChange} onDone={onDone} />;
  const change = { check, send, fail }[asked.step];
  const { title, description, label } = words[asked.step];
  return (
    <ConfirmDialog
      open
      onOpenChange={onOpenChange}
      title={`${title} ${summaryOf(asked.payouts)}?`}
      description={<About payouts={asked.payouts}>{description}</About>}
      confirmLabel={label}
      isDanger={asked.step === "fail"}
      {...(asked.step === "fail" ? { reason: "required" as const } : {})}
      busy={change.isPending}
      failure={change.error === null ? null : readFailure(change.error)}
      onConfirm={(reason) => {
        if (asked.step === "check") check.mutate({ id: first });
        else if (asked.step === "send") send.mutate({ ids });
        else fail.mutate({ id: first, reason });
      }}
    />
  );
}

function PaidDialog({ payouts, onOpenChange, onDone }: Omit<StepDialogProps, "asked"> & { payouts: readonly AdminPayout[] }) {
  const trpc = useTRPC();
  const [reference, setReference] = useState("");
  const confirm = useMutation(
    trpc.admin.payouts.confirm.mutationOptions({
      onSuccess: async () => {
        await onDone();
        onOpenChange();
      },
    }),
  );
  const failure = confirm.error === null ? null : readFailure(confirm.error);
  return (
    <FormDialog
      title={`Mark ${summaryOf(payouts)} as paid?`}
      description={<About payouts={payouts}>Only what the bank's statement shows. The money then counts as gone.</About>}
      onOpenChange={onOpenChange}
      onSubmit={() => confirm.mutate({ ids: payouts.map((payout) => payout.id), reference })}
      submitLabel="Mark paid"
      isBusy={confirm.isPending}
      failure={failure?.fields["reference"] === undefined ? failure : null}
    >
      <TextField
        label="Reference"
        hint="What the bank calls the transfer."
        autoComplete="off"
        value={reference}
        onValue={setReference}
        errors={failure?.fields["reference"]}
        autoFocus
      />
    </FormDialog>
  );
}

/** What the step means, and the account that it is about when it is about one. */
function About({ payouts, children }: { payouts: readonly AdminPayout[]; children: ReactNode }) {
  const [only] = payouts;
  return (
    <>
      {children}
      {payouts.length === 1 && only !== undefined ? (
        <span className="mt-2 block font-mono text-ink">
          <BankAccount payout={only} />
        </span>
      ) : null}
    </>
  );
}

function summaryOf(payouts: readonly AdminPayout[]): string {
  const [only] = payouts;
  const sum = formatUsd(payouts.reduce((total, payout) => total + payout.amountMicroUsd, 0n));
  return payouts.length === 1 && only !== undefined ? `${sum} to ${only.holderName}` : `${formatCountOf(payouts.length, "payout")}, ${sum}`;
}
