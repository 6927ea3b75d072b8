import { requireAdmin } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { PageInput } from "../inputs/common.ts";
import { readRates } from "../prices/read-rates.ts";
import { readTiers } from "../prices/read-tiers.ts";
import { pageSize, readTimeCursor, toPage, writeTimeCursor } from "../paging.ts";
import type { PriceView } from "../money-views.ts";
import type { Page } from "../views.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly picoUsdPerByte: bigint;
  readonly operatorPicoUsdPerByte: bigint;
  readonly validFrom: Date;
  readonly isListed: boolean;
  readonly clients: number;
  readonly isCurrent: boolean;
}

/** Every version and every agreed price, the latest instant first; one of them is in force for clients without an agreement. */
export async function listPrices(ctx: ServiceContext, input: PageInput): Promise<Page<PriceView>> {
  requireAdmin(ctx);
  const limit = pageSize(input);
  const { at, id } = readTimeCursor(input.cursor);
  const now = ctx.now();
  const rows = await ctx.database.$queryRaw<Row[]>`
    select p.id, p.name, p.pico_usd_per_byte as "picoUsdPerByte", p.operator_pico_usd_per_byte as "operatorPicoUsdPerByte",
      p.valid_from as "validFrom", p.is_listed as "isListed",
      (select count(*)::int from client c where c.price_id = p.id) as clients,
      p.id = (select n.id from price n where n.is_listed and n.valid_from <= ${now} order by n.valid_from desc, n.id desc limit 1) as "isCurrent"
      from price p where p.base_id is null and (p.valid_from, p.id) < (${at}, ${id}) order by p.valid_from desc, p.id desc limit ${limit + 1}`;
  const ids = rows.map((row) => row.id);
  const [rates, tiers] = await Promise.all([readRates(ctx.database, ids), readTiers(ctx.database, ids)]);
  return toPage(
    rows,
    limit,
    (row) => writeTimeCursor(row.validFrom, row.id),
    ({ isListed, isCurrent, ...row }) => ({
      ...row,
      state: stateOf(isListed, isCurrent, row.validFrom > now),
      rates: rates.get(row.id) ?? [],
      tiers: tiers.get(row.id) ?? [],
    }),
  );
}

function stateOf(isListed: boolean, isCurrent: boolean, isAhead: boolean): PriceView["state"] {
  if (!isListed) return "unlisted";
  if (isCurrent) return "current";
  return isAhead ? "planned" : "past";
}
