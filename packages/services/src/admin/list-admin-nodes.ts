import { Prisma } from "@karvon/db";
import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SearchPageInput } from "../inputs/common.ts";
import { readNodes, showNode } from "../nodes.ts";
import { containing, pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { AdminNodeView, Page } from "../views.ts";

/** All nodes, newest first; the search looks into label, id, address, city, carrier and the operator's address. */
export async function listAdminNodes(ctx: ServiceContext, input: SearchPageInput): Promise<Page<AdminNodeView>> {
  requireAdmin(ctx);
  const limit = pageSize(input);
  const { at, id } = readTimeCursor(input.cursor);
  const search = input.search ?? "";
  const pattern = containing(search);
  const matches =
    search === ""
      ? Prisma.sql`true`
      : Prisma.sql`(n.id = ${search} or n.label ilike ${pattern} or u.email ilike ${pattern} or exists (
          select from node_presence q where q.node_id = n.id
             and (q.public_address = ${search} or q.city ilike ${pattern} or q.asn_name ilike ${pattern} or q.country = upper(${search}))))`;
  const rows = await readNodes(ctx, Prisma.sql`(n.created_at, n.id) < (${at}, ${id}) and ${matches}`, limit + 1);
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.created_at, row.id),
    (row) => ({ ...showNode(row), operatorEmail: row.operator_email }),
  );
}
