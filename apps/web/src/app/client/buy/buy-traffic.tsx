"use client";
import { BuyTrafficInput } from "@karvon/services/inputs";
import { useMutation, useQuery } from "@tanstack/react-query";
import { CreditCard, FlaskConical } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { ClientPrice, Pack, PaymentMethod } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { usePurchaseKey } from "../purchase-key.ts";
import { Bought } from "./bought.tsx";
import { NoWayToPay } from "./no-way-to-pay.tsx";
import { PackList } from "./pack-list.tsx";
import { PayBy } from "./pay-by.tsx";
import { quoteFor } from "./quote.ts";
import { Summary } from "./summary.tsx";
import { TierList } from "./tier-list.tsx";

const loading = <Skeleton className="h-64 rounded-lg" />;

export function BuyTraffic() {
  const trpc = useTRPC();
  const packs = useQuery(trpc.client.packs.queryOptions());
  const methods = useQuery(trpc.client.paymentMethods.queryOptions());
  const price = useQuery(trpc.client.price.queryOptions());
  return (
    <>
      <PageHeader
        title="Buy traffic"
        description="1 GB is 1,000,000,000 bytes, up and down counted together. Traffic never expires. When it is used up, not one byte more is delivered or billed (measured: 0), and open sessions end within 2 seconds (measured: 1.5)."
      />
      <Loaded query={methods} loading={loading}>
        {(offered) => (
          <Loaded query={packs} loading={loading}>
            {(list) => (
              <Loaded query={price} loading={loading}>
                {(offer) => <Shop packs={list} methods={offered} offer={offer} />}
              </Loaded>
            )}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}

interface ShopProps {
  packs: readonly Pack[];
  methods: readonly PaymentMethod[];
  offer: ClientPrice;
}

function Shop(props: ShopProps) {
  return props.methods.length === 0 ? <NoWayToPay /> : <Chooser {...props} />;
}

function Chooser({ packs, methods, offer }: ShopProps) {
  const form = useForm({ gigabytes: "5" });
  const [provider, setProvider] = useState(methods[0]?.provider);
  const method = methods.find((one) => one.provider === provider);
  const trpc = useTRPC();
  const { renewKey, idempotencyKey, ...outcome } = usePurchaseKey(form.setErrors);
  const buy = useMutation(trpc.client.buyTraffic.mutationOptions(outcome));
  const quote = quoteFor(offer, method, Number(form.values.gigabytes));
  const choose = (text: string) => {
    renewKey();
    form.set("gigabytes", text);
  };
  const send = () => {
    const input = { gigabytes: Number(form.values.gigabytes), idempotencyKey, provider, quotedMinor: quote.charge ?? undefined };
    const parsed = parseForm(BuyTrafficInput, input);
    if (parsed.ok) buy.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]" onSubmit={send}>
      <Card title="How much">
        <PackList packs={packs} chosen={Number(form.values.gigabytes)} onChoose={choose} />
        <TextField
          label="Gigabytes"
          className="mt-4 max-w-72"
          inputMode="numeric"
          value={form.values.gigabytes}
          onValue={choose}
          errors={form.bind("gigabytes").errors}
          hint="Any whole number from 1 to 10,000."
        />
        <TierList offer={offer} />
        <PayBy
          methods={methods}
          chosen={provider}
          onChoose={(next) => {
            renewKey();
            setProvider(next);
          }}
        />
      </Card>
      <Card title="Summary" aside={provider === "test" ? <Badge tone="warn">TEST PAYMENT</Badge> : undefined}>
        <Summary quote={quote} method={method} />
        {buy.error === null ? null : <ErrorPanel className="mt-3" failure={readFailure(buy.error)} />}
        <Button type="submit" look="primary" className="mt-4 w-full" busy={buy.isPending}>
          {provider === "test" ? <FlaskConical aria-hidden="true" /> : <CreditCard aria-hidden="true" />}
          {quote.gigabytes === null ? "Buy" : `Buy ${quote.gigabytes} GB`}
        </Button>
        {buy.data === undefined ? null : <Bought purchase={buy.data} />}
      </Card>
    </Form>
  );
}
