import { AppError } from "@karvon/domain";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ReasonedId } from "../inputs/common.ts";
import { transact } from "../transaction.ts";

/** Takes a version off the list before anybody was charged by it. NOT_FOUND, or STATE_CONFLICT when its instant has come. */
export async function withdrawPrice(ctx: ServiceContext, input: ReasonedId): Promise<void> {
  requireAdmin(ctx);
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.price.updateMany({
      where: { id: input.id, isListed: true, validFrom: { gt: ctx.now() } },
      data: { isListed: false },
    });
    if (count !== 1) {
      const known = await tx.db.price.findUnique({ where: { id: input.id }, select: { isListed: true } });
      if (known === null) throw new AppError("NOT_FOUND", "There is no such price.");
      throw new AppError("STATE_CONFLICT", known.isListed ? "This price is in force already." : "This price is not on the list.");
    }
    await tx.audit({ action: "price.withdraw", subjectId: input.id, reason: input.reason });
  });
}
