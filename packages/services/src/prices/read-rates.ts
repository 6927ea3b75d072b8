/** The operator's side of a price: one rate for each country, kind of connection, or pair of both that differs from the version. */
import type { Reader } from "../database.ts";
import type { RateView } from "../money-views.ts";

/** By the version's id; versions without rates are left out. */
export async function readRates(db: Reader, versionIds: readonly string[]): Promise<Map<string, RateView[]>> {
  const rows = await db.price.findMany({
    where: { baseId: { in: [...versionIds] } },
    orderBy: [{ country: { sort: "asc", nulls: "last" } }, { connectionType: "asc" }],
    select: { baseId: true, country: true, connectionType: true, operatorPicoUsdPerByte: true },
  });
  const byVersion = new Map<string, RateView[]>();
  for (const { baseId, ...rate } of rows) {
    if (baseId === null) continue;
    byVersion.set(baseId, [...(byVersion.get(baseId) ?? []), rate]);
  }
  return byVersion;
}
