import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { limitBytes } from "../inputs/limits.ts";
import type { ProxyUserLimitsInput } from "../inputs/limits.ts";
import { transact } from "../transaction.ts";

/** How much a proxy user may carry in total, in a day and in a month of UTC. Holds within seconds, for open sessions too. NOT_FOUND. */
export async function setProxyUserLimits(ctx: ServiceContext, input: ProxyUserLimitsInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  const { id, totalGb, dayGb, monthGb } = input;
  const data = { trafficLimitBytes: limitBytes(totalGb), dayLimitBytes: limitBytes(dayGb), monthLimitBytes: limitBytes(monthGb) };
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.proxyUser.updateMany({ where: { id, clientId }, data });
    if (count !== 1) throw new AppError("NOT_FOUND", "There is no such proxy user.");
    await tx.audit({ action: "proxy_user.set_limits", subjectId: id, detail: { totalGb, dayGb, monthGb } });
    await tx.notify({ kind: "proxy_user", id });
  });
}
