import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { Ledger } from "./ledger.tsx";

export const metadata: Metadata = { title: "Ledger" };

export default async function LedgerPage() {
  await requireViewer("client");
  return <Ledger />;
}
