import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SearchPageInput } from "../inputs/common.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { Page, UserView } from "../views.ts";
import { readWallets } from "../wallet/read-wallets.ts";
import { kycStateOf } from "./set-client-terms.ts";

/** Accounts, newest first; the search looks into address, name and id. */
export async function listUsers(ctx: ServiceContext, input: SearchPageInput): Promise<Page<UserView>> {
  requireAdmin(ctx);
  const limit = pageSize(input);
  const { at, id } = readTimeCursor(input.cursor);
  const search = input.search ?? "";
  const matches = { contains: search, mode: "insensitive" as const };
  const rows = await ctx.database.user.findMany({
    where: {
      AND: [
        { OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: id } }] },
        search === "" ? {} : { OR: [{ email: matches }, { displayName: matches }, { id: search }] },
      ],
    },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    take: limit + 1,
    select: {
      id: true,
      email: true,
      role: true,
      status: true,
      emailVerifiedAt: true,
      createdAt: true,
      isDemo: true,
      client: { select: { id: true, kycRequired: true, kycTier: true, countries: true } },
    },
  });
  const wallets = await readWallets(
    ctx.database,
    rows.flatMap(({ client }) => client?.id ?? []),
  );
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.createdAt, row.id),
    ({ client, ...user }) => ({
      ...user,
      terms: client === null ? null : { kyc: kycStateOf(client), countries: client.countries },
      wallet: client === null ? null : (wallets.get(client.id) ?? null),
    }),
  );
}
