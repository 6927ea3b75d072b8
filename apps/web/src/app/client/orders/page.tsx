import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { Orders } from "./orders.tsx";

export const metadata: Metadata = { title: "Orders" };

export default async function OrdersPage() {
  await requireViewer("client");
  return <Orders />;
}
