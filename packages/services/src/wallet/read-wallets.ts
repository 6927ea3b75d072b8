import type { Reader } from "../database.ts";
import type { WalletView } from "../money-views.ts";

/** By client; a client that never topped up has a wallet with nothing in it. */
export async function readWallets(db: Reader, clientIds: readonly string[]): Promise<Map<string, WalletView>> {
  const rows = await db.$queryRaw<(WalletView & { clientId: string })[]>`
    select c.id as "clientId", w.is_on as "isOn", w.balance_micro_usd as "balanceMicroUsd", w.cap_micro_usd as "capMicroUsd",
           w.month_micro_usd as "monthMicroUsd", w.price as "picoUsdPerByte", w.spendable_bytes as "spendableBytes"
      from unnest(${[...clientIds]}::text[]) as c (id) cross join lateral wallet_state(c.id) as w`;
  return new Map(rows.map(({ clientId, ...wallet }) => [clientId, wallet]));
}
