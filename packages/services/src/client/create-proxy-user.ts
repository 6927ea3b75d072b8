import { randomInt } from "node:crypto";
import { AppError, bytesPerGb, newId } from "@karvon/domain";
import { hashProxyPassword, makeProxyPassword } from "@karvon/security";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { CreateProxyUserInput } from "../inputs/client.ts";
import { transact, type Transaction } from "../transaction.ts";
import type { ProxyUserSecret } from "../views.ts";

/** Proxy users of one client, disabled ones included. */
export const proxyUsersMax = 200;
const madeUpTriesMax = 5;

/**
 * Makes the credentials that a program sends. The password is in the answer and nowhere else.
 * USERNAME_TAKEN when another client or this one has the name; LIMIT_EXCEEDED at 200.
 */
export async function createProxyUser(ctx: ServiceContext, input: CreateProxyUserInput): Promise<ProxyUserSecret> {
  const { clientId } = requireClient(ctx);
  const password = makeProxyPassword();
  return transact(ctx, async (tx) => {
    const isFull = (await tx.db.proxyUser.count({ where: { clientId } })) >= proxyUsersMax;
    if (isFull) throw new AppError("LIMIT_EXCEEDED", `An account has at most ${proxyUsersMax} proxy users.`);
    const secretHash = new Uint8Array(hashProxyPassword(ctx.pepper, password));
    const made = await write(ctx, tx, { clientId, input, secretHash });
    await tx.audit({ action: "proxy_user.create", subjectId: made.id, detail: { username: made.username } });
    await tx.notify({ kind: "proxy_user", id: made.id });
    return { ...made, password };
  });
}

interface NewProxyUser {
  readonly clientId: string;
  readonly input: CreateProxyUserInput;
  readonly secretHash: Uint8Array;
}

async function write(ctx: ServiceContext, tx: Transaction, wish: NewProxyUser): Promise<{ id: string; username: string }> {
  const now = ctx.now();
  const { username, label, trafficLimitGb } = wish.input;
  const limitBytes = trafficLimitGb === undefined ? null : BigInt(trafficLimitGb) * bytesPerGb;
  for (let tries = 0; tries < madeUpTriesMax; tries += 1) {
    const made = { id: newId("pxu", now.getTime()), username: username ?? madeUpUsername() };
    const count = await tx.db.$executeRaw`
      insert into proxy_user (id, client_id, username, label, secret_hash, traffic_limit_bytes, created_at)
      values (${made.id}, ${wish.clientId}, ${made.username}, ${label ?? null}, ${wish.secretHash}, ${limitBytes}, ${now})
      on conflict (username) do nothing`;
    if (count === 1) return made;
    if (username !== undefined) break;
  }
  throw new AppError("USERNAME_TAKEN", "This proxy username is taken. Choose another.");
}

/** "u" and nine random letters and digits: 46 bits, so that names say nothing about how many there are. */
function madeUpUsername(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  return `u${Array.from({ length: 9 }, () => alphabet.charAt(randomInt(alphabet.length))).join("")}`;
}
