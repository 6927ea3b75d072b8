import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { Corrections } from "./corrections.tsx";

export const metadata: Metadata = { title: "Corrections" };

export default async function CorrectionsPage() {
  await requireViewer("admin");
  return <Corrections />;
}
