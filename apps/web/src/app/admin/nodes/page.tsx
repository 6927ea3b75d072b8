import type { Metadata } from "next";
import { readParam, type SearchParams } from "../../search-params.ts";
import { requireViewer } from "../../access.ts";
import { AdminNodes } from "./admin-nodes.tsx";

export const metadata: Metadata = { title: "Nodes" };

export default async function AdminNodesPage({ searchParams }: { searchParams: SearchParams }) {
  await requireViewer("admin");
  return <AdminNodes initialSearch={(await readParam(searchParams, "search")) ?? ""} />;
}
