/** The one way into the allowlist: whose proxy user, how many, which parameters, and whether somebody else has the block. */
import { AppError, invariant, newId, parsePrefix, refuseBlock } from "@karvon/domain";
import { readProxyUsername } from "@karvon/wire";
import type { ServiceContext } from "../context.ts";
import type { Transaction } from "../transaction.ts";

/** Of one proxy user. */
export const allowlistEntriesMax = 32;

export interface NewEntry {
  readonly proxyUserId: string;
  /** Whose proxy user it must be; null for staff, who may name anybody's. */
  readonly clientId: string | null;
  /** In canonical text. */
  readonly block: string;
  readonly defaultParameters: string;
}

export interface InsertedEntry {
  readonly id: string;
  readonly username: string;
  /** As stored: empty or with a leading "-". */
  readonly defaultParameters: string;
}

/** INPUT_INVALID for what is not public. Said before anything is looked up. */
export function assertPublicBlock(ctx: ServiceContext, block: string): void {
  const prefix = parsePrefix(block);
  invariant(prefix !== null, "inputs let through what can be read only");
  const refusal = refuseBlock(prefix, ctx.sourceAllow);
  if (refusal === null) return;
  throw new AppError("INPUT_INVALID", `${block} is private or reserved: ${refusal.detail}. List the address that the internet sees.`);
}

/** NOT_FOUND, LIMIT_EXCEEDED at 32, INPUT_INVALID for wrong parameters, STATE_CONFLICT when it is listed, ADDRESS_TAKEN by another client. */
export async function insertEntry(ctx: ServiceContext, tx: Transaction, wish: NewEntry): Promise<InsertedEntry> {
  const owner = await lockProxyUser(tx, wish);
  const defaultParameters = readParameters(owner.username, wish.defaultParameters);
  const count = await tx.db.allowlistEntry.count({ where: { proxyUserId: wish.proxyUserId } });
  if (count >= allowlistEntriesMax) {
    throw new AppError("LIMIT_EXCEEDED", `A proxy user has at most ${allowlistEntriesMax} addresses without a password. Remove one first.`);
  }
  const now = ctx.now();
  const id = newId("alw", now.getTime());
  const inserted = await tx.db.$executeRaw`
    insert into allowlist_entry (id, client_id, proxy_user_id, cidr, default_parameters, created_at)
    values (${id}, ${owner.clientId}, ${wish.proxyUserId}, ${wish.block}::inet, ${defaultParameters}, ${now})
    on conflict do nothing`;
  if (inserted !== 1) throw await conflictOf(tx, wish, owner.clientId);
  return { id, username: owner.username, defaultParameters };
}

interface Owner {
  readonly clientId: string;
  readonly username: string;
}

/** The lock makes the count of its entries stand until the commit. */
async function lockProxyUser(tx: Transaction, { proxyUserId, clientId }: NewEntry): Promise<Owner> {
  const [owner] = await tx.db.$queryRaw<Owner[]>`
    select client_id as "clientId", username from proxy_user
     where id = ${proxyUserId} and client_id = coalesce(${clientId}, client_id) for no key update`;
  if (owner === undefined) throw new AppError("NOT_FOUND", "There is no such proxy user.");
  return owner;
}

/** Read by the parser that reads usernames at the gateway, so that what is stored is never refused there. */
function readParameters(username: string, text: string): string {
  if (text === "") return "";
  const parameters = text.startsWith("-") ? text : `-${text}`;
  const read = readProxyUsername(`${username}${parameters}`);
  if (read.kind === "target") return parameters;
  throw new AppError(
    "INPUT_INVALID",
    `Default parameters: ${read.detail}. Write them as in a username, for example country-de-session-shop1.`,
  );
}

interface OtherEntry {
  readonly block: string;
  readonly clientId: string;
  readonly username: string;
  readonly email: string;
}

async function conflictOf(tx: Transaction, { block, clientId: asker }: NewEntry, clientId: string): Promise<AppError> {
  const [other] = await tx.db.$queryRaw<OtherEntry[]>`
    select abbrev(e.cidr) as block, e.client_id as "clientId", p.username, u.email
      from allowlist_entry e
      join proxy_user p on p.id = e.proxy_user_id join client c on c.id = e.client_id join user_account u on u.id = c.user_id
     where e.cidr && ${block}::inet and (e.client_id <> ${clientId} or e.cidr = ${block}::inet)
     order by e.client_id = ${clientId} desc, e.id limit 1`;
  if (other === undefined) return new AppError("STATE_CONFLICT", `${block} was listed and removed at this moment. Try again.`);
  if (other.clientId === clientId) {
    return new AppError("STATE_CONFLICT", `${block} is listed already, for proxy user ${other.username}. Remove it there first.`);
  }
  // Whose it is, is for staff to know.
  const whose =
    asker === null
      ? `${other.email} lists ${other.block} for proxy user ${other.username}`
      : "Another account lists it, or a block around it";
  const next = asker === null ? "Remove that first, or give a narrower block." : "Use a password, or write to support.";
  return new AppError("ADDRESS_TAKEN", `${block} is taken: ${whose}. ${next}`);
}
