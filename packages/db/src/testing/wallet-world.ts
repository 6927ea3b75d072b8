/** Clients that pay as they go, each with a proxy user, and what the ledger says of them. For tests only. */
import { newId } from "@karvon/domain";
import type { QuotaTaken } from "../sql/index.ts";
import type { UsageWorld } from "./usage-world.ts";

export interface WalletLotRow {
  readonly number: bigint;
  readonly bytes: bigint;
  readonly micro_usd: bigint;
  readonly pico_usd_per_byte: bigint;
  readonly month_bytes: bigint;
  readonly month_micro_usd: bigint;
}

export interface WalletClient {
  readonly clientId: string;
  readonly proxyUserId: string;
  topUp(microUsd: bigint): Promise<void>;
  /** The next turn when `turn` is left out; a gateway that has forgotten what it spent when `spent` is. */
  take(ask?: { readonly want?: number; readonly spent?: number; readonly turn?: number; readonly gatewayId?: string }): Promise<QuotaTaken>;
  /** Account kind to balance, without those that do not exist. */
  balances(): Promise<Record<string, bigint>>;
  lots(): Promise<WalletLotRow[]>;
}

export interface WalletOptions {
  readonly microUsd?: bigint;
  readonly capMicroUsd?: bigint | null;
  readonly isOn?: boolean;
  readonly priceId?: string | null;
  readonly trafficLimitBytes?: bigint;
}

export async function makeWalletClient(world: UsageWorld, options: WalletOptions = {}): Promise<WalletClient> {
  const { microUsd = 0n, capMicroUsd = null, isOn = true, priceId = null, ...user } = options;
  const { pool } = world.fixtures;
  const { clientId } = await world.fixtures.makeClient();
  const { proxyUserId } = await world.fixtures.makeProxyUser(clientId, user);
  await pool.query("UPDATE client SET is_pay_as_you_go = $2, wallet_cap_micro_usd = $3, price_id = $4 WHERE id = $1", [
    clientId,
    isOn,
    capMicroUsd,
    priceId,
  ]);
  let lastTurn = 0;
  const client: WalletClient = {
    clientId,
    proxyUserId,
    async topUp(amount) {
      const entries = [
        { kind: "payment_clearing", amount: `${-amount}` },
        { kind: "client_wallet", ownerId: clientId, amount: `${amount}` },
      ];
      await pool.query("SELECT ledger_post($1, 'top_up', 'test', NULL, $2)", [`test:${newId("ord")}`, JSON.stringify(entries)]);
    },
    take({ want = 1_048_576, spent, turn, gatewayId = world.gatewayId } = {}) {
      lastTurn = turn ?? lastTurn + 1;
      return world.db.takeQuota({
        clientId,
        proxyUserId,
        gatewayId,
        epoch: 1n,
        turn: lastTurn,
        spentBytes: spent ?? null,
        wantBytes: want,
      });
    },
    async balances() {
      const found = await pool.query<{ kind: string; posted: bigint }>(
        "SELECT kind::text AS kind, posted FROM ledger_account WHERE owner_id = $1 ORDER BY kind",
        [clientId],
      );
      return Object.fromEntries(found.rows.map(({ kind, posted }) => [kind, posted]));
    },
    async lots() {
      const found = await pool.query<WalletLotRow>(
        "SELECT number, bytes, micro_usd, pico_usd_per_byte, month_bytes, month_micro_usd FROM wallet_lot WHERE client_id = $1 ORDER BY number",
        [clientId],
      );
      return found.rows;
    },
  };
  if (microUsd > 0n) await client.topUp(microUsd);
  return client;
}
