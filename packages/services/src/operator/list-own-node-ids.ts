import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { nodesShownMax } from "./list-operator-nodes.ts";

/** The ids of the operator's own nodes, for filtering what is live. */
export async function listOwnNodeIds(ctx: ServiceContext): Promise<string[]> {
  const { operatorId } = requireOperator(ctx);
  const rows = await ctx.database.node.findMany({
    where: { operatorId },
    orderBy: { createdAt: "desc" },
    take: nodesShownMax,
    select: { id: true },
  });
  return rows.map((row) => row.id);
}
