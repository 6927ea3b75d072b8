import { PROXY_ERRORS, type ProxyErrorCode } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PageInput } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { Page, RefusalView } from "../views.ts";

/** Requests of this client that were not carried, newest first, each with what to do about it. */
export async function listRefusals(ctx: ServiceContext, input: PageInput): Promise<Page<RefusalView>> {
  const { clientId } = requireClient(ctx);
  const limit = pageSize(input);
  const { at, id } = readTimeCursor(input.cursor);
  const rows = await ctx.database.proxyRefusal.findMany({
    where: { clientId, OR: [{ at: { lt: at } }, { at, id: { lt: id } }] },
    orderBy: [{ at: "desc" }, { id: "desc" }],
    take: limit + 1,
    select: { id: true, at: true, code: true, detail: true, protocol: true, targetHost: true, targetPort: true },
  });
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.at, row.id),
    (row) => ({ ...row, action: isKnownCode(row.code) ? PROXY_ERRORS[row.code].action : "" }),
  );
}

function isKnownCode(code: string): code is ProxyErrorCode {
  return Object.hasOwn(PROXY_ERRORS, code);
}
