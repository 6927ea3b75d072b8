"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ReceiptText } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { Order } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { Charge, Documents, Goods, OrderState } from "../../order-cells.tsx";
import { Provider } from "../../payment-provider.tsx";

const columns: Column<Order>[] = [
  {
    name: "Bought",
    role: "lead",
    cell: (order) => (
      <span className="font-medium">
        <Goods order={order} />
      </span>
    ),
  },
  { name: "Order", cell: (order) => <span className="text-soft">{order.number.toString()}</span> },
  { name: "Ordered", cell: (order) => <Moment at={order.createdAt} withYear /> },
  { name: "State", cell: (order) => <OrderState order={order} /> },
  { name: "Paid by", cell: (order) => <Provider name={order.provider} /> },
  { name: "Documents", cell: (order) => <Documents order={order} /> },
  { name: "Amount", align: "right", cell: (order) => <Charge order={order} /> },
];

export function Orders() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [given, setGiven] = useState<Order | null>(null);
  const orders = usePages({
    queryKey: trpc.client.orders.infiniteQueryKey(),
    fetchPage: (page, options) => client.client.orders.query({ ...page }, options),
  });
  const cancel = useMutation(
    trpc.client.cancelOrder.mutationOptions({
      onSuccess: () => {
        setGiven(null);
        return queryClient.invalidateQueries(trpc.client.pathFilter());
      },
    }),
  );
  const buy = (
    <Button asChild look="primary">
      <Link href="/client/buy">Buy traffic</Link>
    </Button>
  );
  const withActions = makeColumns((order) => {
    cancel.reset();
    setGiven(order);
  });
  return (
    <>
      <PageHeader title="Orders" description="What you bought, how it was paid, and what still waits for its payment." actions={buy} />
      <Card flush>
        <LoadedPages
          query={orders}
          empty={
            <EmptyState icon={ReceiptText} title="No order yet" action={buy}>
              Choose a pack or any number of gigabytes; the traffic is there once it is paid.
            </EmptyState>
          }
        >
          {(rows) => <DataTable label="Orders" columns={withActions} rows={rows} rowKey={(order) => order.id} />}
        </LoadedPages>
      </Card>
      {given === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setGiven(null)}
          title={`Cancel order ${given.number}?`}
          description="It cannot be paid any more. You can order again at any time."
          confirmLabel="Cancel order"
          dismissLabel="Keep order"
          isDanger
          busy={cancel.isPending}
          failure={cancel.error === null ? null : readFailure(cancel.error)}
          onConfirm={() => cancel.mutate({ id: given.id })}
        />
      )}
    </>
  );
}

function makeColumns(onCancel: (order: Order) => void): Column<Order>[] {
  return [
    ...columns,
    {
      name: "Actions",
      role: "actions",
      align: "right",
      cell: (order) =>
        order.status === "pending" ? (
          <span className="inline-flex gap-2">
            {order.payUrl === null ? null : (
              <Button asChild size="sm" look="primary">
                <a href={order.payUrl} rel="noreferrer" aria-label={`Pay order ${order.number}`}>
                  Pay
                </a>
              </Button>
            )}
            <Button size="sm" onClick={() => onCancel(order)} aria-label={`Cancel order ${order.number}`}>
              Cancel
            </Button>
          </span>
        ) : null,
    },
  ];
}
