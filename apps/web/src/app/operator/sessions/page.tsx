import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { OperatorSessions } from "./operator-sessions.tsx";

export const metadata: Metadata = { title: "Sessions" };

export default async function OperatorSessionsPage() {
  await requireViewer("operator");
  return <OperatorSessions />;
}
