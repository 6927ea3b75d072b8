/**
 * Which addresses a client has shown to hold: it sits there now, or a program of its own logged in from there with a password.
 *
 * A session without a password shows nothing: whoever is behind a listed address would otherwise prove it for ever.
 * Limits: 24 hours back, and of those the newest 20,000 sessions.
 */
import { addressFromBytes, addressToBytes } from "@karvon/domain";
import type { ServiceContext } from "../context.ts";

const shownForMs = 86_400_000;
const sessionsSearchedMax = 20_000;
const addressesShownMax = 10;

const newestSessions = `
  select client_address, has_password, opened_at from proxy_session
   where client_id = $1 and opened_at >= $2 order by opened_at desc limit ${sessionsSearchedMax}`;

/** $1 client, $2 since. */
const readShownAddresses = {
  name: "shown-addresses",
  text: `
    select client_address as address from (${newestSessions}) s
     where has_password and client_address is not null
     group by client_address order by max(opened_at) desc limit ${addressesShownMax}`,
};

/** $1 client, $2 since, $3 address in canonical text, as the gateway writes it. */
const findShownAddress = {
  name: "shown-address",
  text: `select 1 as found from (${newestSessions}) s where has_password and client_address = $3 limit 1`,
};

/** The address of this request in canonical text. */
export function addressHere(ctx: ServiceContext): string | null {
  const bytes = addressToBytes(ctx.request.ipAddress ?? "");
  return bytes === null ? null : addressFromBytes(bytes);
}

/** Newest first. */
export async function listShownAddresses(ctx: ServiceContext, clientId: string): Promise<string[]> {
  const rows = await ctx.statements.query<{ address: string }>(readShownAddresses, [clientId, since(ctx)]);
  return rows.map((row) => row.address);
}

export async function hasShownAddress(ctx: ServiceContext, clientId: string, address: string): Promise<boolean> {
  if (addressHere(ctx) === address) return true;
  const rows = await ctx.statements.query<{ found: number }>(findShownAddress, [clientId, since(ctx), address]);
  return rows.length > 0;
}

function since(ctx: ServiceContext): Date {
  return new Date(ctx.now().getTime() - shownForMs);
}
