"use client";
import { correctionAloneMax } from "@karvon/domain";
import { ProposeCorrectionInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { formatBytes, formatUsd } from "#ui/format.ts";
import { randomText } from "#ui/random-text.ts";
import { parseForm, useForm } from "#ui/use-form.ts";

const keyLength = 24;
const kinds = [
  { value: "correction", label: "Correction" },
  { value: "promotion", label: "Promotional credit" },
];

const sayHowMuch = "Say how much traffic, money or both.";
const hasAmount = ({ gigabytes, amountUsd }: { gigabytes: string; amountUsd: string }): boolean => gigabytes + amountUsd !== "";

export function ProposeDialog({ onOpenChange, onProposed }: { onOpenChange: (open: boolean) => void; onProposed: () => Promise<unknown> }) {
  const trpc = useTRPC();
  // One key for each dialog: a retry after a lost answer is the same correction.
  const [idempotencyKey] = useState(() => randomText(keyLength));
  const form = useForm({ email: "", kind: "correction", gigabytes: "", amountUsd: "", reason: "" });
  const propose = useMutation(
    trpc.admin.corrections.propose.mutationOptions({
      onSuccess: async () => {
        await onProposed();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const isCredit = form.values.kind === "promotion";
  const send = () => {
    const { amountUsd, ...values } = form.values;
    const parsed = parseForm(ProposeCorrectionInput, { ...values, amountUsd: isCredit ? "" : amountUsd, idempotencyKey });
    if (parsed.ok) propose.mutate(parsed.data);
    else form.setErrors(isCredit || hasAmount(form.values) ? parsed.errors : { ...parsed.errors, amountUsd: [sayHowMuch] });
  };
  return (
    <FormDialog
      title="New correction"
      description={`Up to ${formatBytes(correctionAloneMax.bytes)} and ${formatUsd(correctionAloneMax.microUsd)} in 24 hours are posted at once. Beyond that, another admin approves.`}
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel={isCredit ? "Give credit" : "Propose correction"}
      isBusy={propose.isPending}
      failure={propose.error === null ? null : readFailure(propose.error)}
    >
      <SelectField label="Kind" choices={kinds} {...form.bind("kind")} />
      <TextField label="E-mail of the client or operator" autoComplete="off" inputMode="email" {...form.bind("email")} />
      <TextField
        label={isCredit ? "Gigabytes" : "Gigabytes (optional)"}
        hint={isCredit ? "Worth what they cost this client." : "Clients only; below zero takes."}
        autoComplete="off"
        {...form.bind("gigabytes")}
      />
      {isCredit ? null : (
        <TextField label="Amount in USD (optional)" hint="Below zero takes." autoComplete="off" {...form.bind("amountUsd")} />
      )}
      <TextField label="Reason" hint="The owner reads it in the ledger." autoComplete="off" {...form.bind("reason")} />
    </FormDialog>
  );
}
