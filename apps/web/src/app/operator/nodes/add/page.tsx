import type { Metadata } from "next";
import { requireViewer } from "../../../access.ts";
import { AddNode } from "./add-node.tsx";

export const metadata: Metadata = { title: "Add a node" };

export default async function AddNodePage() {
  await requireViewer("operator");
  return <AddNode />;
}
