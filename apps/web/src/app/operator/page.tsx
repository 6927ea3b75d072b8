import type { Metadata } from "next";
import { requireViewer } from "../access.ts";
import { OperatorOverview } from "./operator-overview.tsx";

export const metadata: Metadata = { title: "Overview" };

export default async function OperatorOverviewPage() {
  await requireViewer("operator");
  return <OperatorOverview />;
}
