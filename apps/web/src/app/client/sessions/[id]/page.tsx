import type { Metadata } from "next";
import { requireViewer } from "../../../access.ts";
import { ClientReceipt } from "./client-receipt.tsx";

export const metadata: Metadata = { title: "Byte receipt" };

export default async function ClientReceiptPage({ params }: { params: Promise<{ id: string }> }) {
  await requireViewer("client");
  return <ClientReceipt id={(await params).id} />;
}
