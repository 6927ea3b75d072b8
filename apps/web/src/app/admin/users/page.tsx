import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AdminUsers } from "./admin-users.tsx";

export const metadata: Metadata = { title: "Users" };

export default async function AdminUsersPage() {
  await requireViewer("admin");
  return <AdminUsers />;
}
