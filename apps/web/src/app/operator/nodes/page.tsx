import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { OperatorNodes } from "./operator-nodes.tsx";

export const metadata: Metadata = { title: "Nodes" };

export default async function OperatorNodesPage() {
  await requireViewer("operator");
  return <OperatorNodes />;
}
