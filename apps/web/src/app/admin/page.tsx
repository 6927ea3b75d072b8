import type { Metadata } from "next";
import { requireViewer } from "../access.ts";
import { NetworkOverview } from "./network-overview.tsx";

export const metadata: Metadata = { title: "Network" };

export default async function NetworkPage() {
  await requireViewer("admin");
  return <NetworkOverview />;
}
