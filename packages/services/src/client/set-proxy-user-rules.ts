import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ProxyUserRulesInput } from "../inputs/client.ts";
import { transact } from "../transaction.ts";

/** From which addresses the credentials may be used, and to which hosts. Holds within a second; open sessions that it forbids end. NOT_FOUND. */
export async function setProxyUserRules(ctx: ServiceContext, input: ProxyUserRulesInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  const { id, allowedSources, allowedHosts } = input;
  await transact(ctx, async (tx) => {
    const { count } = await tx.db.proxyUser.updateMany({ where: { id, clientId }, data: { allowedSources, allowedHosts } });
    if (count !== 1) throw new AppError("NOT_FOUND", "There is no such proxy user.");
    const detail = { allowedSources: allowedSources.join(" "), allowedHosts: allowedHosts.join(" ") };
    await tx.audit({ action: "proxy_user.set_rules", subjectId: id, detail });
    await tx.notify({ kind: "proxy_user", id });
  });
}
