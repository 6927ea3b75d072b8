import { until } from "@karvon/testkit";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { closeReason, connectHead, startTarget, tunnelTo } from "./test/metered-line.ts";
import { exchange, readAnswer } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

/** The youngest first: the eldest keeps the database. */
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** 4 MB a second for as long as it is read. */
async function startStream(): Promise<number> {
  const target = await startTarget((socket: Socket) => {
    const timer = setInterval(() => socket.write(Buffer.alloc(200_000)), 50);
    socket.once("close", () => clearInterval(timer));
  });
  closers.push(() => target.close());
  return target.port;
}

async function topUp(rig: Rig, { clientId }: Login, microUsd: bigint): Promise<void> {
  const entries = [
    { kind: "payment_clearing", amount: `${-microUsd}` },
    { kind: "client_wallet", ownerId: clientId, amount: `${microUsd}` },
  ];
  await rig.fixtures.pool.query("SELECT ledger_post($1, 'top_up', 'test', NULL, $2)", [
    `test:${clientId}:${microUsd}`,
    JSON.stringify(entries),
  ]);
  await rig.fixtures.pool.query("SELECT karvon_notify('client', $1)", [clientId]);
}

/** 3 USD for a GB: 6,000 micro-USD are 2 MB. */
test.each([
  ["its wallet is empty", 6_000n, null, "balance_exhausted", "its wallet is empty"],
  ["its monthly cap is reached", 90_000n, 6_000, "limit_reached", "monthly cap"],
])(
  "a client that bought no traffic is carried by its wallet until %s, to the byte, and is told so",
  async (_what, microUsd, cap, code, detail) => {
    const rig = await openRig();
    closers.push(() => rig.close());
    await rig.addNode();
    const login = await rig.makeLogin({ bytes: 0n });
    await rig.fixtures.pool.query("UPDATE client SET is_pay_as_you_go = true, wallet_cap_micro_usd = $2 WHERE id = $1", [
      login.clientId,
      cap,
    ]);
    await topUp(rig, login, microUsd);
    const port = await startStream();
    const line = await tunnelTo(rig, port, login);
    expect(await closeReason(rig, login.proxyUserId)).toBe(code);
    expect(line.received()).toBe(2_000_000);
    const answer = readAnswer(await exchange(rig.proxy.proxyPort, connectHead(port, login)));
    expect(answer.headers["x-error-code"]).toBe(code);
    expect(answer.body).toContain(detail);

    await rig.fixtures.pool.query("UPDATE client SET wallet_cap_micro_usd = NULL WHERE id = $1", [login.clientId]);
    await topUp(rig, login, 600_000n);
    const again = await until(() => tunnelTo(rig, port, login));
    await until(() => again.received() > 1_000_000);
    expect((await rig.fixtures.pool.query('SELECT "check", subject, detail FROM reconcile_fault')).rows).toEqual([]);
  },
);
