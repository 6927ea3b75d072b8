import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ProxyUserView } from "../views.ts";
import { proxyUsersMax } from "./create-proxy-user.ts";

/** Newest first; all of them, which are at most 200. */
export function listProxyUsers(ctx: ServiceContext): Promise<ProxyUserView[]> {
  const { clientId } = requireClient(ctx);
  return ctx.database.proxyUser.findMany({
    where: { clientId },
    orderBy: { createdAt: "desc" },
    take: proxyUsersMax,
    select: {
      id: true,
      username: true,
      label: true,
      status: true,
      createdAt: true,
      usedBytes: true,
      trafficLimitBytes: true,
      concurrencyMax: true,
    },
  });
}
