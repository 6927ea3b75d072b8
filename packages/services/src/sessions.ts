/**
 * Proxy sessions as each side may see them: one statement, filtered by the tenant that asks.
 *
 * A page is read along (opened_at, id), newest first. A filter that matches little reads more rows to fill its page;
 * the statement is cut off after 5 s.
 */
import { Prisma } from "@karvon/db";
import type { ServiceContext } from "./context.ts";
import type { SessionsInput } from "./inputs/client.ts";
import { containing, pageSize, readTimeCursor } from "./paging.ts";

export interface SessionRow {
  readonly id: string;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
  readonly protocol: string;
  readonly target_host: string;
  readonly target_port: number;
  readonly exit_address: string | null;
  readonly exit_country: string | null;
  readonly exit_city: string | null;
  readonly connection_type: string | null;
  readonly proxy_username: string | null;
  readonly node_id: string;
  readonly node_label: string | null;
  readonly client_email: string | null;
  readonly operator_email: string | null;
  readonly up_bytes: bigint;
  readonly down_bytes: bigint;
  readonly due_micro_usd: bigint;
  readonly earned_micro_usd: bigint;
  readonly close_reason: string | null;
}

export type SessionScope = { readonly clientId: string } | { readonly operatorId: string } | "all";

/** One row more than the page holds, so that the caller knows whether there is a next page. */
export function readSessions(ctx: ServiceContext, scope: SessionScope, input: SessionsInput): Promise<SessionRow[]> {
  const { at, id } = readTimeCursor(input.cursor);
  const filters = [
    tenantFilter(scope),
    Prisma.sql`(s.opened_at, s.id) < (${at}, ${id})`,
    ...(input.status === "open" ? [Prisma.sql`s.closed_at is null`] : []),
    ...(input.status === "closed" ? [Prisma.sql`s.closed_at is not null`] : []),
    ...(input.country === undefined ? [] : [Prisma.sql`s.exit_country = ${input.country}`]),
    ...searchFilter(scope, input.search),
  ];
  return ctx.database.$queryRaw<SessionRow[]>`
    select s.id, s.opened_at, s.closed_at, s.protocol, s.target_host, s.target_port, s.exit_address, s.exit_country, s.exit_city,
           s.connection_type, p.username as proxy_username, s.node_id, n.label as node_label, s.up_bytes, s.down_bytes,
           s.due_micro_usd, s.earned_micro_usd, s.close_reason, cu.email as client_email, ou.email as operator_email
      from proxy_session s
      left join proxy_user p on p.id = s.proxy_user_id
      left join node n on n.id = s.node_id
      left join client c on c.id = s.client_id left join user_account cu on cu.id = c.user_id
      left join operator o on o.id = s.operator_id left join user_account ou on ou.id = o.user_id
     where ${Prisma.join(filters, " and ")}
     order by s.opened_at desc, s.id desc limit ${pageSize(input) + 1}`;
}

function tenantFilter(scope: SessionScope): Prisma.Sql {
  if (scope === "all") return Prisma.sql`true`;
  return "clientId" in scope ? Prisma.sql`s.client_id = ${scope.clientId}` : Prisma.sql`s.operator_id = ${scope.operatorId}`;
}

/** Each side searches only what it sees: a search that found hidden words would tell them. */
function searchFilter(scope: SessionScope, search: string | undefined): Prisma.Sql[] {
  if (search === undefined || search === "") return [];
  const pattern = containing(search);
  if (scope === "all") {
    return [
      Prisma.sql`(s.id = ${search} or s.target_host ilike ${pattern} or s.exit_address ilike ${pattern} or cu.email ilike ${pattern} or ou.email ilike ${pattern})`,
    ];
  }
  if ("clientId" in scope) {
    return [
      Prisma.sql`(s.id = ${search} or s.target_host ilike ${pattern} or s.exit_address ilike ${pattern} or p.username ilike ${pattern})`,
    ];
  }
  return [Prisma.sql`(s.id = ${search} or s.target_host ilike ${pattern} or n.label ilike ${pattern})`];
}
