import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { OperatorLedger } from "./operator-ledger.tsx";

export const metadata: Metadata = { title: "Ledger" };

export default async function OperatorLedgerPage() {
  await requireViewer("operator");
  return <OperatorLedger />;
}
