import { AppError } from "@karvon/domain";
import { hashProxyPassword, makeProxyPassword } from "@karvon/security";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { ProxyUserIdInput } from "../inputs/client.ts";
import { transact } from "../transaction.ts";
import type { ProxyUserSecret } from "../views.ts";

/** Replaces the password at once; sessions that are open finish. NOT_FOUND when it is not one of the client's own. */
export async function rotateProxyUserSecret(ctx: ServiceContext, input: ProxyUserIdInput): Promise<ProxyUserSecret> {
  const { clientId } = requireClient(ctx);
  const password = makeProxyPassword();
  return transact(ctx, async (tx) => {
    const [changed] = await tx.db.proxyUser.updateManyAndReturn({
      where: { id: input.id, clientId },
      data: { secretHash: new Uint8Array(hashProxyPassword(ctx.pepper, password)) },
      select: { id: true, username: true },
    });
    if (changed === undefined) throw new AppError("NOT_FOUND", "There is no such proxy user.");
    await tx.audit({ action: "proxy_user.rotate_secret", subjectId: changed.id, detail: { username: changed.username } });
    await tx.notify({ kind: "proxy_user", id: changed.id });
    return { ...changed, password };
  });
}
