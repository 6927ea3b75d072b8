import type { Metadata } from "next";
import { requireViewer } from "../access.ts";
import { ClientOverview } from "./client-overview.tsx";

export const metadata: Metadata = { title: "Overview" };

export default async function ClientOverviewPage() {
  await requireViewer("client");
  return <ClientOverview />;
}
