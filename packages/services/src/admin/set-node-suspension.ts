import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ReasonedId } from "../inputs/common.ts";
import { transact } from "../transaction.ts";
import type { NodeStatus } from "../views.ts";

/** Takes any node out of the network; only an admin brings it back. NOT_FOUND, or STATE_CONFLICT when it is out already. */
export function suspendNode(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  return change(ctx, input, { from: ["active", "paused"], to: "suspended", action: "node.suspend" });
}

/** Brings a suspended node back. NOT_FOUND, or STATE_CONFLICT when it is not suspended. */
export function reinstateNode(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  return change(ctx, input, { from: ["suspended"], to: "active", action: "node.reinstate" });
}

interface Change {
  readonly from: NodeStatus[];
  readonly to: NodeStatus;
  readonly action: string;
}

async function change(ctx: ServiceContext, input: ReasonedId, wish: Change): Promise<void> {
  requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.node.updateMany({
      where: { id: input.id, status: { in: wish.from } },
      data: { status: wish.to, statusReason: wish.to === "suspended" ? input.reason : null },
    });
    if (count !== 1) {
      const known = await tx.db.node.findUnique({ where: { id: input.id }, select: { status: true } });
      if (known === null) throw new AppError("NOT_FOUND", "There is no such node.");
      throw new AppError("STATE_CONFLICT", `This node is ${known.status}.`);
    }
    await tx.audit({ action: wish.action, subjectId: input.id, reason: input.reason });
    await tx.notify({ kind: "node", id: input.id });
  });
}
