import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { EndpointBuilder } from "./endpoint-builder.tsx";

export const metadata: Metadata = { title: "Endpoint" };

export default async function EndpointPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  await requireViewer("client");
  const { user } = await searchParams;
  return <EndpointBuilder user={typeof user === "string" ? user : null} />;
}
