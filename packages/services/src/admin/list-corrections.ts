import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { CorrectionsInput } from "../inputs/corrections.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { CorrectionView } from "../money-views.ts";
import type { Page } from "../views.ts";

const email = { select: { email: true } } as const;
const columns = {
  id: true,
  createdAt: true,
  kind: true,
  bytes: true,
  microUsd: true,
  reason: true,
  status: true,
  rejection: true,
  decidedAt: true,
  proposedBy: true,
  proposer: email,
  decider: email,
  client: { select: { user: email } },
  operator: { select: { user: email } },
} as const;

/** Newest first. */
export async function listCorrections(ctx: ServiceContext, input: CorrectionsInput): Promise<Page<CorrectionView>> {
  const { userId } = requireAdmin(ctx);
  const limit = pageSize(input);
  const { at, id } = readTimeCursor(input.cursor);
  const rows = await ctx.database.correction.findMany({
    where: {
      ...(input.status === undefined ? {} : { status: input.status }),
      OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: id } }],
    },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    take: limit + 1,
    select: columns,
  });
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.createdAt, row.id),
    ({ client, operator, proposer, decider, proposedBy, ...row }) => ({
      ...row,
      side: client === null ? "operator" : "client",
      ownerEmail: (client ?? operator)?.user.email ?? "",
      proposedByEmail: proposer.email,
      decidedByEmail: decider?.email ?? null,
      isProposedByMe: proposedBy === userId,
    }),
  );
}
