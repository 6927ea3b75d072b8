import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AdminSessions } from "./admin-sessions.tsx";

export const metadata: Metadata = { title: "Sessions" };

export default async function AdminSessionsPage() {
  await requireViewer("admin");
  return <AdminSessions />;
}
