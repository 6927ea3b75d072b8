import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { Reconciliation } from "./reconciliation.tsx";

export const metadata: Metadata = { title: "Reconciliation" };

export default async function ReconciliationPage() {
  await requireViewer("admin");
  return <Reconciliation />;
}
