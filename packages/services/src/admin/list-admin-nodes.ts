import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SearchPageInput } from "../inputs/common.ts";
import { readAllNodes, showNode } from "../nodes.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { AdminNodeView, Page } from "../views.ts";

/** All nodes, newest first; the search looks into label, id, address, city, carrier and the operator's address. */
export async function listAdminNodes(ctx: ServiceContext, input: SearchPageInput): Promise<Page<AdminNodeView>> {
  requireAdmin(ctx);
  const limit = pageSize(input);
  const rows = await readAllNodes(ctx, readTimeCursor(input.cursor), input.search ?? "");
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.created_at, row.id),
    (row) => ({ ...showNode(row), operatorEmail: row.operator_email }),
  );
}
