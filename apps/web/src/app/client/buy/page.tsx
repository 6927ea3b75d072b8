import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { BuyTraffic } from "./buy-traffic.tsx";

export const metadata: Metadata = { title: "Buy traffic" };

export default async function BuyTrafficPage() {
  await requireViewer("client");
  return <BuyTraffic />;
}
