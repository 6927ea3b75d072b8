import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AdminNodes } from "./admin-nodes.tsx";

export const metadata: Metadata = { title: "Nodes" };

export default async function AdminNodesPage() {
  await requireViewer("admin");
  return <AdminNodes />;
}
