"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Tag } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { Price } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatCountOf, formatPricePerGb } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { Rates } from "../../rates.tsx";
import { Tiers } from "../../tiers.tsx";
import { PublishDialog } from "./publish-dialog.tsx";

const tones: Readonly<Record<Price["state"], Tone>> = { current: "good", planned: "info", past: "neutral", unlisted: "neutral" };

function makeColumns(onWithdraw: (price: Price) => void): Column<Price>[] {
  return [
    { name: "Price", role: "lead", cell: (price) => <span className="font-medium">{price.name}</span> },
    { name: "State", cell: (price) => <Badge tone={tones[price.state]}>{price.state}</Badge> },
    { name: "Client pays", align: "right", cell: (price) => <PerGb price={price.picoUsdPerByte} /> },
    { name: "Operator earns", align: "right", cell: (price) => <PerGb price={price.operatorPicoUsdPerByte} /> },
    { name: "By volume", role: "wide", cell: (price) => <Tiers tiers={price.tiers} /> },
    { name: "Other rates", role: "wide", cell: (price) => <Rates rates={price.rates} /> },
    { name: "From", cell: (price) => <Moment at={price.validFrom} withYear /> },
    {
      name: "Agreed with",
      from: "lg",
      cell: (price) => (price.clients === 0 ? <span className="text-faint">nobody</span> : formatCountOf(price.clients, "client")),
    },
    { name: "Price id", align: "right", from: "xl", cell: (price) => <ShortId name="price id" id={price.id} /> },
    {
      name: "Actions",
      role: "actions",
      align: "right",
      cell: (price) =>
        price.state === "planned" ? (
          <Button size="sm" look="danger" onClick={() => onWithdraw(price)} aria-label={`Withdraw ${price.name}`}>
            Withdraw
          </Button>
        ) : null,
    },
  ];
}

function PerGb({ price }: { price: bigint }) {
  return <span className="whitespace-nowrap">{formatPricePerGb(price)}</span>;
}

export function Prices() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [isPublishing, setPublishing] = useState(false);
  const [withdrawn, setWithdrawn] = useState<Price | null>(null);
  const prices = usePages({
    queryKey: trpc.admin.prices.list.infiniteQueryKey(),
    fetchPage: (page, options) => client.admin.prices.list.query({ ...page }, options),
  });
  const refresh = () => queryClient.invalidateQueries(trpc.admin.prices.pathFilter());
  const withdraw = useMutation(
    trpc.admin.prices.withdraw.mutationOptions({
      onSuccess: () => {
        setWithdrawn(null);
        return refresh();
      },
    }),
  );
  const columns = makeColumns((price) => {
    withdraw.reset();
    setWithdrawn(price);
  });
  const publish = (
    <Button look="primary" onClick={() => setPublishing(true)}>
      Publish a price
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Prices"
        description="Versions of the price list. A version is never changed; open sessions keep the one with which they opened."
        actions={publish}
      />
      <Card flush>
        <LoadedPages
          query={prices}
          empty={
            <EmptyState icon={Tag} title="No price yet" action={publish}>
              Without a price in force nothing can be bought or carried.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Prices" columns={columns} rows={rows} rowKey={(price) => price.id} />}
        </LoadedPages>
      </Card>
      {isPublishing ? <PublishDialog onOpenChange={setPublishing} onPublished={refresh} /> : null}
      {withdrawn === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setWithdrawn(null)}
          title={`Withdraw ${withdrawn.name}?`}
          description="It never comes into force. The version before it goes on."
          confirmLabel="Withdraw price"
          isDanger
          reason="required"
          busy={withdraw.isPending}
          failure={withdraw.error === null ? null : readFailure(withdraw.error)}
          onConfirm={(reason) => withdraw.mutate({ id: withdrawn.id, reason })}
        />
      )}
    </>
  );
}
