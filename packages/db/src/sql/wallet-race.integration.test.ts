import { isFullTier, printFigure } from "@karvon/testkit";
import { expect, test } from "vitest";
import { raceForBalance } from "../testing/quota-race.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { openUsageWorld } from "../testing/usage-world.ts";
import { makeWalletClient } from "../testing/wallet-world.ts";

const mib = 1_048_576;
/** The last lot is one of 333 bytes: what one micro-USD buys. */
const { gateways, microUsd, wantBytes } = isFullTier
  ? { gateways: 32, microUsd: 60_000_001n, wantBytes: 64 * mib }
  : { gateways: 8, microUsd: 3_000_001n, wantBytes: 32 * mib };

test(`${gateways} gateways spend a wallet to its last micro-USD and no further, in lots that are each bought once`, async () => {
  const world = await openUsageWorld();
  // Accounts in an order that a lock by kind would get wrong: worth, wallet, traffic.
  const client = await makeWalletClient(world);
  await world.fixtures.credit(client.clientId, 0n, 1n);
  await client.topUp(microUsd);
  const startedMs = performance.now();
  const racing = { ...world, clientId: client.clientId, proxyUserId: client.proxyUserId, makeFacts: () => world.makeFacts(client) };
  const tally = await raceForBalance(racing, { gateways, duplicates: 0.2, wantBytes, tag: null, random: seededRandom(3) });
  const seconds = (performance.now() - startedMs) / 1_000;
  const { rows } = await world.fixtures.pool.query<Record<string, bigint>>(
    `SELECT count(*) AS lots, sum(l.bytes)::bigint AS bytes, sum(l.micro_usd)::bigint AS micro_usd, max(l.number) AS last,
       (SELECT count(*) FROM ledger_tx WHERE kind = 'wallet_lot') AS transactions,
       (SELECT min(e.balance_after) FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id WHERE a.kind = 'client_wallet') AS lowest,
       (SELECT sum(reserved)::bigint FROM ledger_account) AS reserved
     FROM wallet_lot AS l WHERE l.client_id = $1`,
    [client.clientId],
  );
  const [lots] = rows;
  const balances = await client.balances();
  const faults = await world.readFaults();
  const { errors } = world;
  await world.close();
  printFigure("wallet", {
    gateways,
    walletMicroUsd: Number(microUsd),
    lots: Number(lots?.["lots"]),
    lotBytes: Number(lots?.["bytes"]),
    lotMicroUsd: Number(lots?.["micro_usd"]),
    lowestWalletMicroUsd: Number(lots?.["lowest"]),
    reconcileFaults: Object.keys(faults).length,
    ...tally,
    seconds: Number(seconds.toFixed(2)),
  });
  expect({ faults, errors }).toEqual({ faults: {}, errors: [] });
  expect(balances).toMatchObject({ client_bytes: 0n, client_wallet: 0n });
  expect(lots).toMatchObject({ micro_usd: microUsd, bytes: BigInt(tally.spentBytes), lowest: 0n, reserved: 0n });
  expect([lots?.["last"], lots?.["transactions"]]).toEqual([lots?.["lots"], lots?.["lots"]]);
  expect(tally.duplicates).toBeGreaterThan(0);
}, 120_000);
