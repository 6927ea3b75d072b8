import { AppError, idTimeMs } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ReasonedId } from "../inputs/common.ts";
import { transact } from "../transaction.ts";

const hourMs = 3_600_000;

/**
 * Asks the gateways to end a session now. The gateway that holds it closes it and writes how it ended; what had
 * passed is charged. NOT_FOUND, or STATE_CONFLICT when it is closed. A session that a gateway has not reported yet
 * (at most 5 s old) is NOT_FOUND.
 */
export async function endSession(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    // The id carries its time: with it only one month's partition is read.
    const aboutMs = idTimeMs(input.id);
    const session = await tx.db.proxySession.findFirst({
      where: { id: input.id, openedAt: { gte: new Date(aboutMs - hourMs), lte: new Date(aboutMs + hourMs) } },
      select: { closedAt: true, clientId: true, nodeId: true },
    });
    if (session === null) throw new AppError("NOT_FOUND", "There is no such session.");
    if (session.closedAt !== null) throw new AppError("STATE_CONFLICT", "This session has ended already.");
    await tx.audit({
      action: "session.end",
      subjectId: input.id,
      reason: input.reason,
      detail: { clientId: session.clientId, nodeId: session.nodeId },
    });
    await tx.notify({ kind: "session", id: input.id });
  });
}
