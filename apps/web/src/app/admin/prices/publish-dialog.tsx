"use client";
import { PublishPriceInput, readRate, readTier } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { parseForm, splitWords, useForm } from "#ui/use-form.ts";

export function PublishDialog({
  onOpenChange,
  onPublished,
}: {
  onOpenChange: (open: boolean) => void;
  onPublished: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const form = useForm({ name: "", usdPerGb: "", operatorUsdPerGb: "", rates: "", tiers: "", validFrom: "", reason: "" });
  const publish = useMutation(
    trpc.admin.prices.publish.mutationOptions({
      onSuccess: async () => {
        await onPublished();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const { validFrom, rates, tiers, ...values } = form.values;
    const rateWords = splitWords(rates);
    const tierWords = splitWords(tiers);
    const noRate = rateWords.find((word) => readRate(word) === null);
    const noTier = tierWords.find((word) => readTier(word) === null);
    if (noRate !== undefined || noTier !== undefined) {
      form.setErrors({
        ...(noRate === undefined ? {} : { rates: [`${noRate} is no rate.`] }),
        ...(noTier === undefined ? {} : { tiers: [`${noTier} is no tier.`] }),
      });
      return;
    }
    const parsed = parseForm(PublishPriceInput, {
      ...values,
      rates: rateWords.map(readRate),
      tiers: tierWords.map(readTier),
      ...(validFrom.trim() === "" ? {} : { validFrom: validFrom.trim() }),
    });
    if (parsed.ok) publish.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title="Publish a price"
      description="For every client without an agreed price. Gateways learn of it within 30 seconds."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Publish price"
      isBusy={publish.isPending}
      failure={publish.error === null ? null : readFailure(publish.error)}
    >
      <TextField label="Name" autoComplete="off" {...form.bind("name")} />
      <TextField label="Client pays, USD for a GB" inputMode="decimal" autoComplete="off" {...form.bind("usdPerGb")} />
      <TextField label="Operator earns of it, USD for a GB" inputMode="decimal" autoComplete="off" {...form.bind("operatorUsdPerGb")} />
      <TextField
        label="Client pays by volume (optional)"
        hint="From so many GB in a calendar month on: 100=2.70 1000=2.40"
        autoComplete="off"
        spellCheck={false}
        {...form.bind("tiers")}
      />
      <TextField
        label="Other rates of operators (optional)"
        hint="By country, connection or both: DE=2.10 mobile=1.90 DE/mobile=2.40"
        autoComplete="off"
        spellCheck={false}
        {...form.bind("rates")}
      />
      <TextField
        label="From (optional)"
        hint="An instant such as 2027-01-01T00:00:00Z. Left empty, now."
        autoComplete="off"
        spellCheck={false}
        {...form.bind("validFrom")}
      />
      <TextField label="Reason" hint="Written to the audit log." autoComplete="off" {...form.bind("reason")} />
    </FormDialog>
  );
}
