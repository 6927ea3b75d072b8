import type { Metadata } from "next";
import { readParam, type SearchParams } from "../../search-params.ts";
import { requireViewer } from "../../access.ts";
import { AdminUsers } from "./admin-users.tsx";

export const metadata: Metadata = { title: "Users" };

export default async function AdminUsersPage({ searchParams }: { searchParams: SearchParams }) {
  await requireViewer("admin");
  return <AdminUsers initialSearch={(await readParam(searchParams, "search")) ?? ""} />;
}
