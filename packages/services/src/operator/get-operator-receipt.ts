import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SessionIdInput } from "../inputs/common.ts";
import { readReceipt, showReceipt } from "../receipts.ts";
import type { OperatorReceipt } from "../views.ts";

/** What one session earned on the operator's own node: the same bytes as on the client's receipt, never who asked. */
export async function getOperatorReceipt(ctx: ServiceContext, { id }: SessionIdInput): Promise<OperatorReceipt> {
  const { operatorId } = requireOperator(ctx);
  const row = await readReceipt(ctx, { side: "operator", id: operatorId }, id);
  return { ...showReceipt(row, "operator"), nodeId: row.node_id, nodeLabel: row.node_label ?? "" };
}
