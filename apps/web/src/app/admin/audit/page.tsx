import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AuditLog } from "./audit-log.tsx";

export const metadata: Metadata = { title: "Audit log" };

export default async function AuditLogPage() {
  await requireViewer("admin");
  return <AuditLog />;
}
