/** What a version costs from so many GB in a calendar month on. */
import type { VolumeTier } from "@karvon/domain";
import type { Reader } from "../database.ts";

/** By the version's id, the lowest first; versions without tiers are left out. */
export async function readTiers(db: Reader, versionIds: readonly string[]): Promise<Map<string, VolumeTier[]>> {
  const rows = await db.priceTier.findMany({
    where: { priceId: { in: [...versionIds] } },
    orderBy: { fromGb: "asc" },
    select: { priceId: true, fromGb: true, picoUsdPerByte: true },
  });
  const byVersion = new Map<string, VolumeTier[]>();
  for (const { priceId, ...tier } of rows) byVersion.set(priceId, [...(byVersion.get(priceId) ?? []), tier]);
  return byVersion;
}
