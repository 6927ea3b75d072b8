/**
 * Who this gateway is: an id that stays with the data folder and the seat, and an epoch that is new for every process.
 * Processes that live at the same time have different seats, and so different ids.
 *
 * Batches are named by both, so the epoch must never repeat: it is the start time, or one more than the last epoch when
 * the clock went back.
 */
import { isId, newId } from "@karvon/domain";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface GatewayIdentity {
  readonly id: string;
  readonly epoch: bigint;
}

/** `seat` 0 for a process that is alone. */
export function openGatewayIdentity(dataDir: string, seat: number, nowMs: number): GatewayIdentity {
  const path = join(dataDir, seat === 0 ? "gateway.json" : `gateway-${seat + 1}.json`);
  const last = readIdentity(path);
  const id = last?.id ?? newId("gwy");
  const epochMs = Math.max(nowMs, (last?.epochMs ?? 0) + 1);
  mkdirSync(dataDir, { recursive: true });
  // Renamed into place, so that a crash leaves the old file or the new one.
  writeFileSync(`${path}.new`, `${JSON.stringify({ id, epochMs })}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return { id, epoch: BigInt(epochMs) };
}

/** A missing or damaged file is a new gateway: its past batches stay under the old id. */
function readIdentity(path: string): { id: string; epochMs: number } | null {
  try {
    const content: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof content !== "object" || content === null) return null;
    const id: unknown = Reflect.get(content, "id");
    const epochMs: unknown = Reflect.get(content, "epochMs");
    return typeof id === "string" && isId("gwy", id) && typeof epochMs === "number" && Number.isSafeInteger(epochMs)
      ? { id, epochMs }
      : null;
  } catch {
    return null;
  }
}
