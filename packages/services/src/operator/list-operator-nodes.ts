import { Prisma } from "@karvon/db";
import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { readNodes, showNode } from "../nodes.ts";
import type { NodeView } from "../views.ts";

/** More than this are not shown on one page. */
export const nodesShownMax = 1_000;

/** The operator's own nodes, newest first. Retired ones stay visible. */
export async function listOperatorNodes(ctx: ServiceContext): Promise<NodeView[]> {
  const { operatorId } = requireOperator(ctx);
  const rows = await readNodes(ctx, Prisma.sql`n.operator_id = ${operatorId}`, nodesShownMax);
  return rows.map(showNode);
}
