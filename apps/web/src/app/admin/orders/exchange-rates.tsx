"use client";
import { ExchangeRateInput } from "@karvon/services/inputs";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { ExchangeRate } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { formatCharge } from "#ui/format-charge.ts";
import { Skeleton } from "#ui/skeleton.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";

/** The rate that soums are charged by, and the way to state another. */
export function ExchangeRates() {
  const trpc = useTRPC();
  const rates = useQuery(trpc.admin.exchangeRates.queryOptions());
  const [isOpen, setOpen] = useState(false);
  return (
    <Card
      title="Exchange rate"
      className="mb-4"
      aside={
        <Button size="sm" onClick={() => setOpen(true)}>
          State a rate
        </Button>
      }
    >
      <Loaded query={rates} loading={<Skeleton className="h-5 w-64" />}>
        {(list) => <InForce rate={list[0]} />}
      </Loaded>
      {isOpen ? <RateDialog onOpenChange={setOpen} /> : null}
    </Card>
  );
}

function InForce({ rate }: { rate: ExchangeRate | undefined }) {
  if (rate === undefined) return <p className="text-soft">None is stated: Payme and Click are not offered.</p>;
  return (
    <p>
      <span className="font-medium tabular-nums">$1 = {formatCharge(rate.minorPerUsd, "UZS")}</span>
      <span className="ml-2 text-sm text-faint">
        since <Moment at={rate.validFrom} withYear />. Orders that are there keep theirs.
      </span>
    </p>
  );
}

function RateDialog({ onOpenChange }: { onOpenChange: (open: boolean) => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const form = useForm({ perUsd: "", reason: "" });
  const save = useMutation(
    trpc.admin.setExchangeRate.mutationOptions({
      onSuccess: async () => {
        await queryClient.invalidateQueries(trpc.admin.pathFilter());
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(ExchangeRateInput, { currency: "UZS", ...form.values });
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title="State an exchange rate"
      description="New orders in soums are charged by it from now on. Rates are kept for ever and never changed."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="State rate"
      isBusy={save.isPending}
      failure={save.error === null ? null : readFailure(save.error)}
    >
      <TextField
        label="Soums for one US dollar"
        hint="For example 12650.45."
        inputMode="decimal"
        autoComplete="off"
        {...form.bind("perUsd")}
      />
      <TextField label="Reason" hint="Written to the audit log." autoComplete="off" {...form.bind("reason")} />
    </FormDialog>
  );
}
