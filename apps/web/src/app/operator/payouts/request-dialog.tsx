"use client";
import { payoutMicroUsdMin } from "@karvon/domain";
import { RequestPayoutInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { formatExactUsd, formatUsd, formatUsdDown } from "#ui/format.ts";
import { Notice } from "#ui/notice.tsx";
import { randomText } from "#ui/random-text.ts";
import { parseForm, useForm } from "#ui/use-form.ts";
import { methodChoices } from "../../payout-state.tsx";

const keyLength = 24;
const least = formatUsd(payoutMicroUsdMin);

interface RequestDialogProps {
  payableMicroUsd: bigint | undefined;
  onOpenChange: (open: boolean) => void;
  onRequested: () => Promise<unknown>;
}

export function RequestDialog({ payableMicroUsd, onOpenChange, onRequested }: RequestDialogProps) {
  const trpc = useTRPC();
  // One key for each dialog: a retry after a lost answer is the same payout.
  const [idempotencyKey] = useState(() => randomText(keyLength));
  const form = useForm({ amountUsd: "", method: methodChoices[0]?.value ?? "", destination: "", holderName: "" });
  const request = useMutation(
    trpc.operator.payouts.request.mutationOptions({
      onSuccess: async () => {
        await onRequested();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(RequestPayoutInput, { ...form.values, idempotencyKey });
    if (parsed.ok) request.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  const isEnough = payableMicroUsd !== undefined && payableMicroUsd >= payoutMicroUsdMin;
  const isIban = form.values.method === "iban";
  return (
    <FormDialog
      title="Request payout"
      description="The amount is set aside at once. You can take it back until somebody checks it."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Request payout"
      isBusy={request.isPending}
      failure={request.error === null ? null : readFailure(request.error)}
    >
      {payableMicroUsd === undefined || isEnough ? null : (
        <Notice tone="warn" title={`${formatExactUsd(payableMicroUsd)} is there to be paid out`}>
          Payouts begin at {least}. What your nodes earn until then is kept.
        </Notice>
      )}
      <TextField
        label="Amount in USD"
        hint={isEnough ? `At least ${least}, at most ${formatUsdDown(payableMicroUsd)}.` : `At least ${least}.`}
        inputMode="decimal"
        autoComplete="off"
        {...form.bind("amountUsd")}
      />
      <SelectField label="To" choices={methodChoices} {...form.bind("method")} />
      <TextField
        label={isIban ? "IBAN" : "Account and bank"}
        hint={isIban ? "As your bank writes it; blanks do not matter." : "20 digits of the account, a slash, 5 digits of the bank (MFO)."}
        autoComplete="off"
        spellCheck={false}
        {...form.bind("destination")}
      />
      <TextField label="Account holder" hint="The name that the bank knows." autoComplete="name" {...form.bind("holderName")} />
    </FormDialog>
  );
}
