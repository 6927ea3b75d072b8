/** The ledger transaction of a correction, under a key made of its id. What it leaves is compared with the row at COMMIT. */
import { createHash } from "node:crypto";
import { AppError } from "@karvon/domain";
import { postLedger } from "../sql-functions.ts";
import type { Transaction } from "../transaction.ts";
import type { CorrectionKind } from "../money-views.ts";

export interface CorrectionMoney {
  readonly id: string;
  readonly kind: CorrectionKind;
  readonly clientId: string | null;
  readonly operatorId: string | null;
  readonly bytes: bigint;
  readonly microUsd: bigint;
}

type Entries = Parameters<typeof postLedger>[1]["entries"];

/** BALANCE_TOO_LOW when it would take more than there is. Tells the gateways nothing: that comes after the audit row. */
export async function postCorrection(tx: Transaction, correction: CorrectionMoney, actor: string): Promise<void> {
  await requireFunds(tx, correction);
  const { id, kind, clientId, operatorId, bytes, microUsd } = correction;
  const ownerId = clientId ?? operatorId ?? "";
  const traffic: Entries = [
    { kind: "client_bytes", ownerId, amount: bytes, ...atLeast(bytes) },
    { kind: "bytes_issued", amount: -bytes },
  ];
  const money: Entries = [
    { kind: clientId === null ? "operator_payable" : "client_usd", ownerId, amount: microUsd, ...atLeast(microUsd) },
    { kind: kind === "promotion" ? "promotion" : "write_off", amount: -microUsd },
  ];
  const key = `correction:${id}`;
  const requestSha256 = createHash("sha256")
    .update(JSON.stringify([key, kind, ownerId, bytes.toString(), microUsd.toString()]))
    .digest();
  const entries = [...(bytes === 0n ? [] : traffic), ...(microUsd === 0n ? [] : money)];
  await postLedger(tx.db, { key, kind: "correction", actor, requestSha256, entries });
}

/** What takes leaves nothing below zero. */
const atLeast = (amount: bigint) => (amount < 0n ? { atLeast: 0n } : {});

interface Account {
  readonly kind: string;
  readonly free: bigint;
}

/** Locks the owner's accounts in the order in which everybody does. */
async function requireFunds(tx: Transaction, { clientId, operatorId, bytes, microUsd }: CorrectionMoney): Promise<void> {
  if (bytes >= 0n && microUsd >= 0n) return;
  const accounts = await tx.db.$queryRaw<Account[]>`
    select kind::text as kind, posted - reserved as free from ledger_account
     where owner_id = ${clientId ?? operatorId} and kind in ('client_bytes', 'client_usd', 'operator_payable') and shard = 0
     order by id for no key update`;
  const freeOf = (...kinds: string[]) => accounts.find(({ kind }) => kinds.includes(kind))?.free ?? 0n;
  const isShort =
    (bytes < 0n && freeOf("client_bytes") + bytes < 0n) || (microUsd < 0n && freeOf("client_usd", "operator_payable") + microUsd < 0n);
  if (isShort) throw new AppError("BALANCE_TOO_LOW", "This would take more than there is.");
}
