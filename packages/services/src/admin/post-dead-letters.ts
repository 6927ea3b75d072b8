import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { transact } from "../transaction.ts";

/** As many as one call tries. */
const lettersMax = 10_000;

export interface PostedLetters {
  readonly posted: readonly bigint[];
  /** Those whose reason still stands, with what the database says. */
  readonly refused: readonly { readonly id: bigint; readonly message: string }[];
}

/** Posts dead letters after their reason was mended, oldest first, each in a transaction of its own. Posted twice is posted once. */
export async function postDeadLetters(ctx: ServiceContext, input: { readonly id?: bigint | undefined }): Promise<PostedLetters> {
  requireAdmin(ctx);
  const letters = await ctx.database.$queryRaw<{ id: bigint; session_id: string }[]>`
    select id, session_id from usage_dead_letter
     where posted_at is null and (${input.id ?? null}::bigint is null or id = ${input.id ?? null}) order by id limit ${lettersMax}`;
  const posted: bigint[] = [];
  const refused: { id: bigint; message: string }[] = [];
  for (const { id, session_id: sessionId } of letters) {
    try {
      await transact(ctx, async (tx) => {
        await tx.db.$queryRaw`select usage_dead_letter_post(${id})`;
        await tx.audit({ action: "usage.post_dead_letter", subjectId: sessionId, detail: { letter: id.toString() } });
      });
      posted.push(id);
    } catch (cause) {
      refused.push({ id, message: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  return { posted, refused };
}
