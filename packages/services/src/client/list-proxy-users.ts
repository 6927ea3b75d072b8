import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ProxyUserView } from "../views.ts";
import { proxyUsersMax } from "./create-proxy-user.ts";

/** $1 client. */
const readProxyUsers = {
  name: "proxy-users",
  text: `
    select id, username, label, status::text as status, created_at as "createdAt", used_bytes as "usedBytes",
           karvon_used_in_day(used_bytes, day_mark_bytes, marked_on) as "dayUsedBytes",
           karvon_used_in_month(used_bytes, month_mark_bytes, marked_on) as "monthUsedBytes",
           traffic_limit_bytes as "trafficLimitBytes", day_limit_bytes as "dayLimitBytes", month_limit_bytes as "monthLimitBytes",
           concurrency_max as "concurrencyMax",
           allowed_sources as "allowedSources", allowed_hosts as "allowedHosts",
           (select count(*)::int from allowlist_entry e where e.proxy_user_id = proxy_user.id) as "allowlistSize"
      from proxy_user where client_id = $1 order by created_at desc, id desc limit ${proxyUsersMax}`,
};

/** Newest first; all of them, which are at most 200. */
export async function listProxyUsers(ctx: ServiceContext): Promise<ProxyUserView[]> {
  const { clientId } = requireClient(ctx);
  return ctx.statements.query<ProxyUserView>(readProxyUsers, [clientId]);
}
