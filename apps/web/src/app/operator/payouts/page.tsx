import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { OperatorPayouts } from "./operator-payouts.tsx";

export const metadata: Metadata = { title: "Payouts" };

export default async function OperatorPayoutsPage() {
  await requireViewer("operator");
  return <OperatorPayouts />;
}
