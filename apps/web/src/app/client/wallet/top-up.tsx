"use client";
import { readUsd } from "@karvon/domain";
import { TopUpWalletInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { PaymentMethod } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { formatCharge } from "#ui/format-charge.ts";
import { Form } from "#ui/form.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { Bought } from "../buy/bought.tsx";
import { PayBy } from "../buy/pay-by.tsx";
import { chargeBy } from "../buy/quote.ts";
import { usePurchaseKey } from "../purchase-key.ts";

export function TopUp({ methods }: { methods: readonly PaymentMethod[] }) {
  const trpc = useTRPC();
  const form = useForm({ usd: "20" });
  const [provider, setProvider] = useState(methods[0]?.provider);
  const { renewKey, idempotencyKey, ...outcome } = usePurchaseKey(form.setErrors);
  const topUp = useMutation(trpc.client.wallet.topUp.mutationOptions(outcome));
  const method = methods.find((one) => one.provider === provider);
  const amount = readUsd(form.values.usd);
  const charge = method === undefined || amount === null || amount < 0n ? null : chargeBy(method, amount);
  const send = () => {
    const input = { usd: form.values.usd, idempotencyKey, provider, quotedMinor: charge ?? undefined };
    const parsed = parseForm(TopUpWalletInput, input);
    if (parsed.ok) topUp.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="min-w-0" onSubmit={send}>
      <Card title="Top up" aside={provider === "test" ? <Badge tone="warn">TEST PAYMENT</Badge> : undefined}>
        <TextField
          label="Amount in US dollars"
          inputMode="decimal"
          autoComplete="off"
          value={form.values.usd}
          onValue={(text) => {
            renewKey();
            form.set("usd", text);
          }}
          errors={form.bind("usd").errors}
          hint="From 1 to 10,000."
        />
        <PayBy
          methods={methods}
          chosen={provider}
          onChoose={(next) => {
            renewKey();
            setProvider(next);
          }}
        />
        {topUp.error === null ? null : <ErrorPanel className="mt-3" failure={readFailure(topUp.error)} />}
        <Button type="submit" look="primary" className="mt-4" busy={topUp.isPending} disabled={method === undefined}>
          {charge === null || method === undefined ? "Top up" : `Top up for ${formatCharge(charge, method.currency)}`}
        </Button>
        {topUp.data === undefined ? null : <Bought purchase={topUp.data} />}
      </Card>
    </Form>
  );
}
