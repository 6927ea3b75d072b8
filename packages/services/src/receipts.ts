/** One session with everything that makes up its sum, found by its id and only for the side that asks. */
import { AppError, idTimeMs } from "@karvon/domain";
import type { ServiceContext } from "./context.ts";
import type { SessionReceipt } from "./views.ts";

/** An id carries its time: with it only one month's partition is read. */
const hourMs = 3_600_000;

export interface ReceiptRow {
  readonly id: string;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
  readonly close_reason: string | null;
  readonly protocol: string;
  readonly target_host: string;
  readonly target_port: number;
  readonly proxy_username: string | null;
  readonly tag: string | null;
  readonly up_bytes: bigint;
  readonly down_bytes: bigint;
  readonly price_id: string;
  readonly price_name: string;
  readonly pico_usd_per_byte: bigint;
  readonly operator_pico_usd_per_byte: bigint;
  readonly due_micro_usd: bigint;
  readonly earned_micro_usd: bigint;
  readonly exit_country: string | null;
  readonly exit_city: string | null;
  readonly connection_type: string | null;
  readonly failed_attempts: number;
  readonly node_id: string;
  readonly node_label: string | null;
}

const receiptBy = (column: "client_id" | "operator_id") => ({
  name: `receipt-by-${column}`,
  text: `
    select s.id, s.opened_at, s.closed_at, s.close_reason, s.protocol, s.target_host, s.target_port, u.username as proxy_username, s.tag,
           s.up_bytes, s.down_bytes, s.price_id, p.name as price_name, p.pico_usd_per_byte, p.operator_pico_usd_per_byte,
           s.due_micro_usd, s.earned_micro_usd, s.exit_country, s.exit_city, s.connection_type, s.failed_attempts,
           s.node_id, n.label as node_label
      from proxy_session s
      join price p on p.id = s.price_id
      left join proxy_user u on u.id = s.proxy_user_id
      left join node n on n.id = s.node_id
     where s.id = $1 and s.opened_at between $2 and $3 and s.${column} = $4`,
});
const statements = { client: receiptBy("client_id"), operator: receiptBy("operator_id") };

/** NOT_FOUND for a session of somebody else as for one that never was. */
export async function readReceipt(
  ctx: ServiceContext,
  owner: { readonly side: "client" | "operator"; readonly id: string },
  sessionId: string,
) {
  const aboutMs = idTimeMs(sessionId);
  const [row] = await ctx.statements.query<ReceiptRow>(statements[owner.side], [
    sessionId,
    new Date(aboutMs - hourMs),
    new Date(aboutMs + hourMs),
    owner.id,
  ]);
  if (row === undefined) throw new AppError("NOT_FOUND", "There is no such session.");
  return row;
}

/** What both sides see alike; price and sum are those of the side. */
export function showReceipt(row: ReceiptRow, side: "client" | "operator"): SessionReceipt {
  const isClient = side === "client";
  return {
    id: row.id,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    closeReason: row.close_reason,
    protocol: row.protocol,
    targetHost: row.target_host,
    upBytes: row.up_bytes,
    downBytes: row.down_bytes,
    price: {
      id: row.price_id,
      name: row.price_name,
      picoUsdPerByte: isClient ? row.pico_usd_per_byte : row.operator_pico_usd_per_byte,
    },
    amountMicroUsd: isClient ? row.due_micro_usd : row.earned_micro_usd,
    country: row.exit_country,
    city: row.exit_city,
    connectionType: row.connection_type,
    failedAttempts: row.failed_attempts,
  };
}
