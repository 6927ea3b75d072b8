"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ReceiptText } from "lucide-react";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { LoadedPages } from "#trpc/loaded.tsx";
import { useTRPC, useTRPCClient } from "#trpc/client.tsx";
import { usePages } from "#trpc/use-pages.ts";
import type { AdminOrder } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { None } from "#ui/cells.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { type Column, DataTable } from "#ui/data-table.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { SearchField } from "#ui/search-field.tsx";
import { Segmented } from "#ui/segmented.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { Toolbar } from "#ui/toolbar.tsx";
import { Charge, Documents, Goods, OrderState } from "../../order-cells.tsx";
import { Provider } from "../../payment-provider.tsx";
import { ExchangeRates } from "./exchange-rates.tsx";
import { TransferDialog } from "./transfer-dialog.tsx";

type Shown = AdminOrder["status"] | "all";
const choices: readonly { value: Shown; label: string }[] = [
  { value: "all", label: "All" },
  { value: "pending", label: "Pending" },
  { value: "paid", label: "Paid" },
  { value: "cancelled", label: "Cancelled" },
  { value: "refunded", label: "Refunded" },
];

const columns: Column<AdminOrder>[] = [
  { name: "Order", role: "lead", cell: (order) => <Numbered order={order} /> },
  { name: "Client", cell: (order) => <span className="break-words">{order.clientEmail}</span> },
  { name: "Bought", align: "right", cell: (order) => <Goods order={order} /> },
  { name: "Ordered", from: "lg", cell: (order) => <Moment at={order.createdAt} withYear /> },
  { name: "State", cell: (order) => <OrderState order={order} /> },
  { name: "Paid by", cell: (order) => <Provider name={order.provider} /> },
  {
    name: "Reference",
    from: "2xl",
    cell: (order) => (order.paidRef === null ? <None /> : <span className="break-all">{order.paidRef}</span>),
  },
  { name: "Documents", from: "xl", cell: (order) => <Documents order={order} /> },
  { name: "Amount", align: "right", cell: (order) => <Charge order={order} /> },
];

/** On a phone's card no column says what the number is. */
function Numbered({ order }: { order: AdminOrder }) {
  return (
    <span className="font-medium">
      <span className="md:hidden">Order </span>
      {order.number.toString()}
    </span>
  );
}

const refundNotes = {
  call: "The provider is told to send the whole amount back, and the traffic is taken off the client's balance.",
  admin: "Send the money back first: this only books it, and takes the traffic off the client's balance.",
} as const;

export function AdminOrders() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState<Shown>("all");
  const [seen, setSeen] = useState<AdminOrder | null>(null);
  const [returned, setReturned] = useState<AdminOrder | null>(null);
  const filter = { ...(search === "" ? {} : { search }), ...(shown === "all" ? {} : { status: shown }) };
  const orders = usePages({
    queryKey: trpc.admin.orders.infiniteQueryKey(filter),
    fetchPage: (page, options) => client.admin.orders.query({ ...filter, ...page }, options),
  });
  const readAgain = () => queryClient.invalidateQueries(trpc.admin.pathFilter());
  const refund = useMutation(
    trpc.admin.refundOrder.mutationOptions({
      onSuccess: () => {
        setReturned(null);
        return readAgain();
      },
    }),
  );
  const withActions = makeColumns(setSeen, (order) => {
    refund.reset();
    setReturned(order);
  });
  return (
    <>
      <PageHeader title="Orders" description="What clients bought and how it was paid." />
      <ExchangeRates />
      <Card flush>
        <Toolbar>
          <SearchField label="Search number, e-mail or reference" onSearch={setSearch} />
          <Segmented label="State" value={shown} onValue={setShown} choices={choices} />
        </Toolbar>
        <LoadedPages
          query={orders}
          empty={
            search === "" && shown === "all" ? (
              <EmptyState icon={ReceiptText} title="No order yet">
                What clients buy is listed here.
              </EmptyState>
            ) : (
              <EmptyState icon={ReceiptText} title="No order matches">
                Search by a part of the number, the e-mail address or the provider's reference.
              </EmptyState>
            )
          }
        >
          {(rows) => <DataTable label="Orders" columns={withActions} rows={rows} rowKey={(order) => order.id} />}
        </LoadedPages>
      </Card>
      {seen === null ? null : <TransferDialog order={seen} onOpenChange={() => setSeen(null)} onSaved={readAgain} />}
      {returned === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setReturned(null)}
          title={`Refund order ${returned.number}?`}
          description={refundNotes[returned.refundedBy === "call" ? "call" : "admin"]}
          confirmLabel="Refund order"
          isDanger
          reason="required"
          busy={refund.isPending}
          failure={refund.error === null ? null : readFailure(refund.error)}
          onConfirm={(reason) => refund.mutate({ id: returned.id, reason })}
        />
      )}
    </>
  );
}

function makeColumns(onSeen: (order: AdminOrder) => void, onRefund: (order: AdminOrder) => void): Column<AdminOrder>[] {
  return [
    ...columns,
    { name: "Actions", role: "actions", align: "right", cell: (order) => <Actions order={order} onSeen={onSeen} onRefund={onRefund} /> },
  ];
}

interface ActionsProps {
  order: AdminOrder;
  onSeen: (order: AdminOrder) => void;
  onRefund: (order: AdminOrder) => void;
}

/** Payme's refunds begin at Payme, so there is no button for them. */
function Actions({ order, onSeen, onRefund }: ActionsProps) {
  const isUnpaid = order.status === "pending" || order.status === "cancelled";
  if (order.provider === "bank_transfer" && isUnpaid) {
    return (
      <Button size="sm" onClick={() => onSeen(order)} aria-label={`Confirm the transfer of order ${order.number}`}>
        Confirm transfer
      </Button>
    );
  }
  if (order.status !== "paid" || order.refundedBy === null || order.refundedBy === "provider") return null;
  return (
    <Button size="sm" look="danger" onClick={() => onRefund(order)} aria-label={`Refund order ${order.number}`}>
      Refund
    </Button>
  );
}
