/** The child: opens the GeoIP data, answers questions until the parent hangs up. */
import { openGeoReader } from "@karvon/checker";
import { placeFrom } from "./place-from.ts";
import { isQuestion } from "./locator-messages.ts";

export async function runLocator(options: { cityMmdb: string | undefined; asnMmdb: string | undefined }): Promise<void> {
  // Ctrl-C at a terminal reaches the whole group; the gateway still locates nodes while it stops.
  process.on("SIGINT", () => undefined);
  const waiting: unknown[] = [];
  const keep = (message: unknown): void => void waiting.push(message);
  // Questions may come while the files are being opened.
  process.on("message", keep);
  const reader = await openGeoReader(options);
  function answer(message: unknown): void {
    if (!isQuestion(message) || process.send === undefined) return;
    process.send({ id: message.id, place: placeFrom(reader.locate(message.address)) }, () => undefined);
  }
  process.off("message", keep);
  process.on("message", answer);
  for (const message of waiting) answer(message);
  process.once("disconnect", () => reader.close());
}
