import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { TagCapView } from "../views.ts";
import { tagCapsMax } from "./set-tag-cap.ts";

/** $1 client. */
const readTagCaps = {
  name: "tag-caps",
  text: `
    select tag, used_bytes as "usedBytes", karvon_used_in_day(used_bytes, day_mark_bytes, marked_on) as "dayUsedBytes",
           karvon_used_in_month(used_bytes, month_mark_bytes, marked_on) as "monthUsedBytes",
           total_limit_bytes as "totalLimitBytes", day_limit_bytes as "dayLimitBytes", month_limit_bytes as "monthLimitBytes",
           created_at as "createdAt"
      from tag_cap where client_id = $1 order by tag limit ${tagCapsMax}`,
};

/** By name; all of them, which are at most 1,000. What was used is a minute old at most. */
export async function listTagCaps(ctx: ServiceContext): Promise<TagCapView[]> {
  const { clientId } = requireClient(ctx);
  return ctx.statements.query<TagCapView>(readTagCaps, [clientId]);
}
