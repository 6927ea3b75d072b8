import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { readOwnNodes, showNode } from "../nodes.ts";
import type { NodeView } from "../views.ts";

/** The operator's own nodes, newest first, at most 1,000. Retired ones stay visible. */
export async function listOperatorNodes(ctx: ServiceContext): Promise<NodeView[]> {
  const { operatorId } = requireOperator(ctx);
  const rows = await readOwnNodes(ctx, operatorId);
  return rows.map(showNode);
}
