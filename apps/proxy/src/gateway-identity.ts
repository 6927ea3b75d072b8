/**
 * Who this gateway is: an id that stays with the data folder and the seat, and an epoch that is new for every process.
 * Processes that live at the same time have different seats, and so different ids.
 *
 * Batches are named by both, so the epoch must never repeat: it is the start time, or one more than the last epoch when
 * the clock went back. The ledger tells by it in which run a session was opened, and takes what it carried from that run's
 * grant; so no session of this run may have opened before the epoch, and none of an earlier run after it.
 */
import { isId, newId } from "@karvon/domain";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface GatewayIdentity {
  readonly id: string;
  readonly epoch: bigint;
}

/**
 * `seat` 0 for a process that is alone. `lastOpenedMs` says when the youngest session of earlier runs of a gateway was opened that
 * is not posted yet, 0 without one.
 */
export function openGatewayIdentity(
  dataDir: string,
  seat: number,
  nowMs: number,
  lastOpenedMs: (gatewayId: string) => number,
): GatewayIdentity {
  const path = join(dataDir, seat === 0 ? "gateway.json" : `gateway-${seat + 1}.json`);
  const last = readIdentity(path);
  const id = last?.id ?? newId("gwy");
  const epochMs = Math.max(nowMs, (last?.epochMs ?? 0) + 1, lastOpenedMs(id) + 1);
  mkdirSync(dataDir, { recursive: true });
  // Renamed into place, so that a crash leaves the old file or the new one.
  writeFileSync(`${path}.new`, `${JSON.stringify({ id, epochMs })}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return { id, epoch: BigInt(epochMs) };
}

/** When something that happens now has happened: never before this run began, whatever the clock shows. */
export function timeInRun({ epoch }: Pick<GatewayIdentity, "epoch">, nowMs: number): number {
  return Math.max(nowMs, Number(epoch));
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
