import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { ClientSessions } from "./client-sessions.tsx";

export const metadata: Metadata = { title: "Sessions" };

export default async function ClientSessionsPage() {
  await requireViewer("client");
  return <ClientSessions />;
}
