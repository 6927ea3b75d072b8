/**
 * Proxy sessions as each side may see them: one statement, filtered by the tenant that asks.
 *
 * A page is read along (opened_at, id), newest first. A filter that matches little reads more rows to fill its page;
 * the statement is cut off after 5 s.
 */
import type { Statement } from "@karvon/db";
import type { ServiceContext } from "./context.ts";
import type { SessionsInput } from "./inputs/client.ts";
import { pageSizeDefault, pageSizeMax } from "./inputs/common.ts";
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

/** At least one row more than the page holds, so that the caller knows whether there is a next page. */
export function readSessions(ctx: ServiceContext, scope: SessionScope, input: SessionsInput): Promise<SessionRow[]> {
  const { at, id } = readTimeCursor(input.cursor);
  const values: unknown[] = [at, id];
  const put = (value: unknown): string => `$${values.push(value)}`;
  const filters = [
    "(s.opened_at, s.id) < ($1, $2)",
    tenantFilter(scope, put),
    ...(input.status === "open" ? ["s.closed_at is null"] : []),
    ...(input.status === "closed" ? ["s.closed_at is not null"] : []),
    ...(input.country === undefined ? [] : [`s.exit_country = ${put(input.country)}`]),
    ...searchFilter(scope, input.search, put),
  ];
  return ctx.statements.query<SessionRow>(prepare(filters.join(" and "), pageSize(input)), values);
}

/**
 * The texts differ only in which filters are there and in two sizes, so there are at most 72 of them. The size stands
 * in the text: with a parameter PostgreSQL would plan for a tenth of the table and not for a page.
 */
function prepare(filter: string, limit: number): Statement {
  const rows = (limit <= pageSizeDefault ? pageSizeDefault : pageSizeMax) + 1;
  const key = `${rows} ${filter}`;
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const statement = {
    name: `sessions-${prepared.size}`,
    text: `
    select s.id, s.opened_at, s.closed_at, s.protocol, s.target_host, s.target_port, s.exit_address, s.exit_country, s.exit_city,
           s.connection_type, p.username as proxy_username, s.node_id, n.label as node_label, s.up_bytes, s.down_bytes,
           s.due_micro_usd, s.earned_micro_usd, s.close_reason, cu.email as client_email, ou.email as operator_email
      from proxy_session s
      left join proxy_user p on p.id = s.proxy_user_id
      left join node n on n.id = s.node_id
      left join client c on c.id = s.client_id left join user_account cu on cu.id = c.user_id
      left join operator o on o.id = s.operator_id left join user_account ou on ou.id = o.user_id
     where ${filter}
     order by s.opened_at desc, s.id desc limit ${rows}`,
  };
  prepared.set(key, statement);
  return statement;
}

const prepared = new Map<string, Statement>();

type Put = (value: unknown) => string;

function tenantFilter(scope: SessionScope, put: Put): string {
  if (scope === "all") return "true";
  return "clientId" in scope ? `s.client_id = ${put(scope.clientId)}` : `s.operator_id = ${put(scope.operatorId)}`;
}

/** Each side searches only what it sees: a search that found hidden words would tell them. */
function searchFilter(scope: SessionScope, search: string | undefined, put: Put): string[] {
  if (search === undefined || search === "") return [];
  const pattern = put(containing(search));
  const seen = ["s.target_host", ...visibleTo(scope)].map((column) => `${column} ilike ${pattern}`);
  return [`(s.id = ${put(search)} or ${seen.join(" or ")})`];
}

function visibleTo(scope: SessionScope): string[] {
  if (scope === "all") return ["s.exit_address", "cu.email", "ou.email"];
  return "clientId" in scope ? ["s.exit_address", "p.username"] : ["n.label"];
}
