import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { AdminRefusals } from "./admin-refusals.tsx";

export const metadata: Metadata = { title: "Refusals" };

export default async function AdminRefusalsPage() {
  await requireViewer("admin");
  return <AdminRefusals />;
}
