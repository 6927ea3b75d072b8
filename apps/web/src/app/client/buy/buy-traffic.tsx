"use client";
import { BuyTrafficInput } from "@karvon/services/inputs";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FlaskConical } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Pack } from "#trpc/types.ts";
import { Badge } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { cn } from "#ui/cn.ts";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { formatGb, formatPricePerGb, formatUsd } from "#ui/format.ts";
import { Notice } from "#ui/notice.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Skeleton } from "#ui/skeleton.tsx";
import { randomText } from "#ui/random-text.ts";
import { parseForm, useForm } from "#ui/use-form.ts";

const picoPerMicro = 1_000_000n;
const keyLength = 24;
const bytesPerGb = 1_000_000_000n;

export function BuyTraffic() {
  const trpc = useTRPC();
  const packs = useQuery(trpc.client.packs.queryOptions());
  return (
    <>
      <PageHeader
        title="Buy traffic"
        description="1 GB is 1,000,000,000 bytes, up and down counted together. Traffic never expires. When it is used up, not one byte more is delivered or billed (measured: 0), and open sessions end within 2 seconds (measured: 1.5)."
      />
      <Notice tone="warn" title="TEST PAYMENT" className="mb-4">
        No card is asked for and no money moves. Orders are booked in the ledger exactly as paid ones would be.
      </Notice>
      <Loaded query={packs} loading={<Skeleton className="h-64 rounded-lg" />}>
        {(list) => <Chooser packs={list} />}
      </Loaded>
    </>
  );
}

/** The pack that a custom amount is priced as: the largest that is not larger. */
function priceFor(packs: readonly Pack[], gigabytes: number): bigint {
  const sorted = packs.toSorted((left, right) => left.gigabytes - right.gigabytes);
  const fitting = sorted.filter((pack) => pack.gigabytes <= gigabytes).at(-1) ?? sorted[0];
  return fitting?.picoUsdPerByte ?? 0n;
}

function Chooser({ packs }: { packs: readonly Pack[] }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const form = useForm({ gigabytes: "5" });
  // One key for each purchase that the buyer means: a retry after a lost answer is the same order.
  const [idempotencyKey, setIdempotencyKey] = useState(() => randomText(keyLength));
  const buy = useMutation(
    trpc.client.buyTraffic.mutationOptions({
      onSuccess: () => {
        setIdempotencyKey(randomText(keyLength));
        return queryClient.invalidateQueries(trpc.client.pathFilter());
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const gigabytes = Number(form.values.gigabytes);
  const isWhole = Number.isInteger(gigabytes) && gigabytes >= 1;
  const choose = (text: string) => {
    setIdempotencyKey(randomText(keyLength));
    form.set("gigabytes", text);
  };
  const send = () => {
    const parsed = parseForm(BuyTrafficInput, { gigabytes, idempotencyKey });
    if (parsed.ok) buy.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]" onSubmit={send}>
      <Card title="How much">
        <PackList packs={packs} chosen={gigabytes} onChoose={choose} />
        <TextField
          label="Gigabytes"
          className="mt-4 max-w-72"
          inputMode="numeric"
          value={form.values.gigabytes}
          onValue={choose}
          errors={form.bind("gigabytes").errors}
          hint="Any whole number from 1 to 10,000."
        />
      </Card>
      <Card title="Summary" aside={<Badge tone="warn">TEST PAYMENT</Badge>}>
        <Summary gigabytes={isWhole ? gigabytes : null} picoUsdPerByte={priceFor(packs, gigabytes)} />
        {buy.error === null ? null : <ErrorPanel className="mt-3" failure={readFailure(buy.error)} />}
        <Button type="submit" look="primary" className="mt-4 w-full" busy={buy.isPending}>
          <FlaskConical aria-hidden="true" />
          {isWhole ? `Buy ${gigabytes} GB` : "Buy"}
        </Button>
        {buy.data === undefined ? null : <Bought purchase={buy.data} />}
      </Card>
    </Form>
  );
}

function PackList({ packs, chosen, onChoose }: { packs: readonly Pack[]; chosen: number; onChoose: (text: string) => void }) {
  return (
    <div role="group" aria-label="Packs" className="grid grid-cols-2 gap-2 sm:grid-cols-3">
      {packs.map((pack) => {
        const isChosen = pack.gigabytes === chosen;
        return (
          <button
            key={pack.gigabytes}
            type="button"
            aria-pressed={isChosen}
            onClick={() => onChoose(String(pack.gigabytes))}
            className={cn(
              "rounded-md border border-line-strong px-3.5 py-3 text-left hover:bg-sunken",
              isChosen && "border-accent bg-accent-wash ring-1 ring-accent hover:bg-accent-wash",
            )}
          >
            <span className="block text-lg font-semibold tabular-nums">{pack.gigabytes} GB</span>
            <span className="mt-0.5 block text-base tabular-nums">{formatUsd(pack.amountMicroUsd)}</span>
            <span className="block text-xs text-faint tabular-nums">{formatPricePerGb(pack.picoUsdPerByte)}</span>
          </button>
        );
      })}
    </div>
  );
}

function Summary({ gigabytes, picoUsdPerByte }: { gigabytes: number | null; picoUsdPerByte: bigint }) {
  const amount = gigabytes === null ? null : (BigInt(gigabytes) * bytesPerGb * picoUsdPerByte) / picoPerMicro;
  return (
    <dl className="space-y-1.5 tabular-nums">
      <div className="flex justify-between gap-4">
        <dt className="text-soft">Traffic</dt>
        <dd>{gigabytes === null ? "–" : `${gigabytes} GB`}</dd>
      </div>
      <div className="flex justify-between gap-4">
        <dt className="text-soft">Price</dt>
        <dd>{formatPricePerGb(picoUsdPerByte)}</dd>
      </div>
      <div className="flex justify-between gap-4 border-t pt-2 text-lg font-semibold">
        <dt>Total</dt>
        <dd data-testid="order-total">{amount === null ? "–" : formatUsd(amount)}</dd>
      </div>
    </dl>
  );
}

function Bought({ purchase }: { purchase: { bytes: bigint; amountMicroUsd: bigint; balanceBytes: bigint; orderId: string } }) {
  return (
    <Notice tone="good" className="mt-4" title={`${formatGb(purchase.bytes)} added`}>
      <p>
        Your balance is now <span data-testid="bought-balance">{formatGb(purchase.balanceBytes)}</span>.
      </p>
      <Link href="/client/proxy-users" className="mt-1 inline-block font-medium text-ink underline underline-offset-2">
        Next: create a proxy user
      </Link>
    </Notice>
  );
}
