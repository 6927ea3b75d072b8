import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { OperatorEarnings } from "./operator-earnings.tsx";

export const metadata: Metadata = { title: "Earnings" };

export default async function OperatorEarningsPage() {
  await requireViewer("operator");
  return <OperatorEarnings />;
}
