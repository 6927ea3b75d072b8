import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { EnrolmentView } from "../views.ts";

const shownMax = 100;

/** The newest 100 codes; the codes themselves are not kept. */
export async function listEnrolmentCodes(ctx: ServiceContext): Promise<EnrolmentView[]> {
  const { operatorId } = requireOperator(ctx);
  const codes = await ctx.database.enrolmentToken.findMany({
    where: { operatorId },
    orderBy: { createdAt: "desc" },
    take: shownMax,
    select: { id: true, label: true, createdAt: true, expiresAt: true, usedAt: true, usedByNodeId: true },
  });
  const nodeIds = codes.flatMap((code) => (code.usedByNodeId === null ? [] : [code.usedByNodeId]));
  const nodes = await ctx.database.node.findMany({
    where: { operatorId, id: { in: nodeIds } },
    take: shownMax,
    select: { id: true, label: true },
  });
  const labels = new Map(nodes.map((node) => [node.id, node.label]));
  return codes.map((code) => ({ ...code, usedByNodeLabel: code.usedByNodeId === null ? null : (labels.get(code.usedByNodeId) ?? null) }));
}
