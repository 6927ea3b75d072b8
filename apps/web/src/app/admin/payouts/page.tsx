import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AdminPayouts } from "./admin-payouts.tsx";

export const metadata: Metadata = { title: "Payouts" };

export default async function AdminPayoutsPage() {
  await requireViewer("admin");
  return <AdminPayouts />;
}
