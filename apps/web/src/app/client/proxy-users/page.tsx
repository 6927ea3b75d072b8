import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { ProxyUsers } from "./proxy-users.tsx";

export const metadata: Metadata = { title: "Proxy users" };

export default async function ProxyUsersPage() {
  await requireViewer("client");
  return <ProxyUsers />;
}
