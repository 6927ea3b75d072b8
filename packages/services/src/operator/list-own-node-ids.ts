import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";

const idsMax = 1_000;

/** The ids of the operator's own nodes, for filtering what is live. */
export async function listOwnNodeIds(ctx: ServiceContext): Promise<string[]> {
  const { operatorId } = requireOperator(ctx);
  const rows = await ctx.database.node.findMany({
    where: { operatorId },
    orderBy: { createdAt: "desc" },
    take: idsMax,
    select: { id: true },
  });
  return rows.map((row) => row.id);
}
