import { AppError } from "@karvon/domain";
import type { Reader } from "../database.ts";

export interface PriceFacts {
  readonly id: string;
  readonly picoUsdPerByte: bigint;
}

/** What this client pays now: its own agreed price, or else the newest on the list. */
export async function getPrice(db: Reader, clientId: string, now: Date): Promise<PriceFacts> {
  const client = await db.client.findUniqueOrThrow({
    where: { id: clientId },
    select: { price: { select: { id: true, picoUsdPerByte: true } } },
  });
  if (client.price !== null) return client.price;
  const listed = await db.price.findFirst({
    where: { isListed: true, validFrom: { lte: now } },
    orderBy: { validFrom: "desc" },
    select: { id: true, picoUsdPerByte: true },
  });
  if (listed === null) throw new AppError("STATE_CONFLICT", "There is no price at the moment. Try again later.");
  return listed;
}
