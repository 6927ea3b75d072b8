import { AppError } from "@karvon/domain";
import { requireOperator } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { NodeIdInput, PauseNodeInput } from "../inputs/operator.ts";
import { transact } from "../transaction.ts";
import type { NodeStatus } from "../views.ts";

interface Change {
  readonly id: string;
  readonly from: NodeStatus[];
  readonly to: NodeStatus;
  readonly action: string;
  readonly reason?: string | undefined;
}

/** Takes an own node out of rotation; its open sessions finish. NOT_FOUND, or STATE_CONFLICT when it is not active. */
export function pauseNode(ctx: ServiceContext, input: PauseNodeInput): Promise<void> {
  return change(ctx, { id: input.id, from: ["active"], to: "paused", action: "node.pause", reason: input.reason });
}

/** Puts a paused own node back. A suspended one only comes back through an admin: STATE_CONFLICT. */
export function resumeNode(ctx: ServiceContext, input: NodeIdInput): Promise<void> {
  return change(ctx, { id: input.id, from: ["paused"], to: "active", action: "node.resume" });
}

/** Ends an own node for good: its keys stop counting and it must be enrolled anew. */
export function retireNode(ctx: ServiceContext, input: NodeIdInput): Promise<void> {
  return change(ctx, { id: input.id, from: ["active", "paused", "suspended"], to: "retired", action: "node.retire" });
}

async function change(ctx: ServiceContext, wish: Change): Promise<void> {
  const { operatorId } = requireOperator(ctx);
  await transact(ctx, async (tx) => {
    const now = ctx.now();
    const { count } = await tx.db.node.updateMany({
      where: { id: wish.id, operatorId, status: { in: wish.from } },
      data: { status: wish.to, statusReason: wish.reason ?? null, ...(wish.to === "retired" ? { retiredAt: now } : {}) },
    });
    if (count !== 1) {
      const own = await tx.db.node.findFirst({ where: { id: wish.id, operatorId }, select: { status: true } });
      if (own === null) throw new AppError("NOT_FOUND", "There is no such node.");
      throw new AppError("STATE_CONFLICT", `This node is ${own.status}.`);
    }
    if (wish.to === "retired") await tx.db.nodeKey.updateMany({ where: { nodeId: wish.id, revokedAt: null }, data: { revokedAt: now } });
    await tx.audit({ action: wish.action, subjectId: wish.id, reason: wish.reason });
    await tx.notify({ kind: "node", id: wish.id });
  });
}
