import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { Account } from "../../account.tsx";

export const metadata: Metadata = { title: "Account & security" };

export default async function AccountPage() {
  const { email, displayName, role } = await requireViewer("client");
  return <Account viewer={{ email, displayName, role }} />;
}
