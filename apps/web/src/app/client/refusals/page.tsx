import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { ClientRefusals } from "./client-refusals.tsx";

export const metadata: Metadata = { title: "Refusals" };

export default async function ClientRefusalsPage() {
  await requireViewer("client");
  return <ClientRefusals />;
}
