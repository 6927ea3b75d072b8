"use client";
import { ConfirmTransferInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { AdminOrder } from "#trpc/types.ts";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { formatCharge } from "#ui/format-charge.ts";
import { parseForm, useForm } from "#ui/use-form.ts";

interface TransferDialogProps {
  order: AdminOrder;
  onOpenChange: (open: boolean) => void;
  onSaved: () => Promise<unknown>;
}

/** The amount is typed, not offered: it is to be what the bank says, not what we hope for. */
export function TransferDialog({ order, onOpenChange, onSaved }: TransferDialogProps) {
  const trpc = useTRPC();
  const form = useForm({ reference: "", amount: "", reason: "" });
  const save = useMutation(
    trpc.admin.confirmBankTransfer.mutationOptions({
      onSuccess: async () => {
        await onSaved();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(ConfirmTransferInput, { id: order.id, ...form.values });
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title={`Transfer for order ${order.number}`}
      description={`${order.clientEmail} was asked for ${formatCharge(order.chargeMinor, order.currency)}. The traffic is booked at once.`}
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Confirm transfer"
      isBusy={save.isPending}
      failure={save.error === null ? null : readFailure(save.error)}
    >
      <TextField
        label="Bank reference"
        hint="As on the statement: one transfer pays one order."
        autoComplete="off"
        {...form.bind("reference")}
      />
      <TextField
        label="Amount received"
        hint="As on the statement, for example 15.00."
        inputMode="decimal"
        autoComplete="off"
        {...form.bind("amount")}
      />
      <TextField label="Reason" hint="Written to the audit log." autoComplete="off" {...form.bind("reason")} />
    </FormDialog>
  );
}
