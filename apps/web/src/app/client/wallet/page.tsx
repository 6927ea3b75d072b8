import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { WalletPanel } from "./wallet-panel.tsx";

export const metadata: Metadata = { title: "Wallet" };

export default async function WalletPage() {
  await requireViewer("client");
  return <WalletPanel />;
}
