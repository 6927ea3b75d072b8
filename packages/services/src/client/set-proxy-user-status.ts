import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ProxyUserIdInput } from "../inputs/client.ts";
import { transact } from "../transaction.ts";

/** Refuses the credentials from now on and ends their open sessions. NOT_FOUND, or STATE_CONFLICT when they are disabled. */
export function disableProxyUser(ctx: ServiceContext, input: ProxyUserIdInput): Promise<void> {
  return setStatus(ctx, input.id, "disabled");
}

/** Lets the credentials in again. NOT_FOUND, or STATE_CONFLICT when they are active. */
export function enableProxyUser(ctx: ServiceContext, input: ProxyUserIdInput): Promise<void> {
  return setStatus(ctx, input.id, "active");
}

async function setStatus(ctx: ServiceContext, id: string, status: "active" | "disabled"): Promise<void> {
  const { clientId } = requireClient(ctx);
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.proxyUser.updateMany({
      where: { id, clientId, status: { not: status } },
      data: { status, disabledAt: status === "disabled" ? ctx.now() : null },
    });
    if (count !== 1) {
      const own = await tx.db.proxyUser.findFirst({ where: { id, clientId }, select: { id: true } });
      if (own === null) throw new AppError("NOT_FOUND", "There is no such proxy user.");
      throw new AppError("STATE_CONFLICT", `This proxy user is ${status} already.`);
    }
    await tx.audit({ action: status === "disabled" ? "proxy_user.disable" : "proxy_user.enable", subjectId: id });
    await tx.notify({ kind: "proxy_user", id });
  });
}
