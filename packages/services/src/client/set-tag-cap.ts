import { AppError } from "@karvon/domain";
import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { limitBytes, type TagCapInput } from "../inputs/limits.ts";
import { transact } from "../transaction.ts";

/** Tags with caps of one client: what every gateway that serves it keeps in mind. */
export const tagCapsMax = 1_000;

/**
 * Sets what sessions with a tag may carry, over all proxy users and gateways. Counted from when the tag got its first cap; other
 * limits for it do not begin anew. Holds within seconds, for open sessions too. LIMIT_EXCEEDED at 1,000 tags.
 */
export async function setTagCap(ctx: ServiceContext, input: TagCapInput): Promise<void> {
  const { clientId } = requireClient(ctx);
  const { tag, totalGb, dayGb, monthGb } = input;
  const [total, day, month] = [limitBytes(totalGb), limitBytes(dayGb), limitBytes(monthGb)];
  await transact(ctx, async (tx) => {
    // One of a client at a time, so that they cannot pass the same count.
    await tx.db.$queryRaw`select id from client where id = ${clientId} for no key update`;
    const [others, now] = [await tx.db.tagCap.count({ where: { clientId, NOT: { tag } } }), ctx.now()];
    if (others >= tagCapsMax) throw new AppError("LIMIT_EXCEEDED", `An account has at most ${tagCapsMax} tags with caps.`);
    await tx.db.$executeRaw`
      insert into tag_cap (client_id, tag, total_limit_bytes, day_limit_bytes, month_limit_bytes, created_at)
      values (${clientId}, ${tag}, ${total}, ${day}, ${month}, ${now})
      on conflict (client_id, tag) do update set total_limit_bytes = excluded.total_limit_bytes,
        day_limit_bytes = excluded.day_limit_bytes, month_limit_bytes = excluded.month_limit_bytes`;
    await tx.audit({ action: "tag_cap.set", subjectId: clientId, detail: { tag, totalGb, dayGb, monthGb } });
    await tx.notify({ kind: "client", id: clientId });
  });
}
