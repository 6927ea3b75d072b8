"use client";
import { ReceiptText } from "lucide-react";
import Link from "next/link";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { Order } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { None, Usd } from "#ui/cells.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { formatGb } from "#ui/format.ts";
import { PageHeader } from "#ui/page-header.tsx";
import { ShortId } from "#ui/short-id.tsx";
import { Moment } from "#ui/time-cells.tsx";

const tones: Readonly<Record<string, Tone>> = { paid: "good", pending: "warn", refunded: "info" };

const columns: Column<Order>[] = [
  { name: "Traffic", role: "lead", cell: (order) => <span className="font-medium">{formatGb(order.bytes)}</span> },
  { name: "Ordered", cell: (order) => <Moment at={order.createdAt} /> },
  { name: "State", cell: (order) => <Badge tone={tones[order.status] ?? "neutral"}>{order.status}</Badge> },
  { name: "Paid by", cell: (order) => <Provider name={order.provider} /> },
  { name: "Amount", align: "right", cell: (order) => <Usd amount={order.amountMicroUsd} /> },
  {
    name: "Order id",
    align: "right",
    from: "lg",
    cell: (order) => <ShortId name="order id" id={order.id} />,
  },
];

export function Orders() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const orders = usePages({
    queryKey: trpc.client.orders.infiniteQueryKey(),
    fetchPage: (page, options) => client.client.orders.query({ ...page }, options),
  });
  const buy = (
    <Button asChild look="primary">
      <Link href="/client/buy">Buy traffic</Link>
    </Button>
  );
  return (
    <>
      <PageHeader title="Orders" description="What you bought, and how it was paid." actions={buy} />
      <Card flush>
        <LoadedPages
          query={orders}
          empty={
            <EmptyState icon={ReceiptText} title="No order yet" action={buy}>
              Choose a pack or any number of gigabytes; the traffic is there at once.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Orders" columns={columns} rows={rows} rowKey={(order) => order.id} />}
        </LoadedPages>
      </Card>
    </>
  );
}

function Provider({ name }: { name: string | null }) {
  if (name === null) return <None />;
  return name === "test" ? <Badge tone="warn">TEST PAYMENT</Badge> : <span className="capitalize">{name}</span>;
}
