import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AdminOrders } from "./admin-orders.tsx";

export const metadata: Metadata = { title: "Orders" };

export default async function AdminOrdersPage() {
  await requireViewer("admin");
  return <AdminOrders />;
}
