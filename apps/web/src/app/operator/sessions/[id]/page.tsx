import type { Metadata } from "next";
import { requireViewer } from "../../../access.ts";
import { OperatorReceipt } from "./operator-receipt.tsx";

export const metadata: Metadata = { title: "Byte receipt" };

export default async function OperatorReceiptPage({ params }: { params: Promise<{ id: string }> }) {
  await requireViewer("operator");
  return <OperatorReceipt id={(await params).id} />;
}
