import type { Metadata } from "next";
import { readParam, type SearchParams } from "../../search-params.ts";
import { requireViewer } from "../../access.ts";
import { AdminSessions } from "./admin-sessions.tsx";

export const metadata: Metadata = { title: "Sessions" };

export default async function AdminSessionsPage({ searchParams }: { searchParams: SearchParams }) {
  await requireViewer("admin");
  return <AdminSessions initialSearch={(await readParam(searchParams, "search")) ?? ""} />;
}
