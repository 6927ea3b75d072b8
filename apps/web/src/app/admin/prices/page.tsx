import type { Metadata } from "next";
import { requireViewer } from "../../access.ts";
import { Prices } from "./prices.tsx";

export const metadata: Metadata = { title: "Prices" };

export default async function PricesPage() {
  await requireViewer("admin");
  return <Prices />;
}
