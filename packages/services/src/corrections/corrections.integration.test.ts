import { correctionAloneMax, newId } from "@karvon/domain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminActor } from "../actor.ts";
import { approveCorrection, rejectCorrection } from "../admin/decide-correction.ts";
import { listCorrections } from "../admin/list-corrections.ts";
import { proposeCorrection } from "../admin/propose-correction.ts";
import { listLedger } from "../client/list-ledger.ts";
import type { ProposeCorrectionInput } from "../inputs/corrections.ts";
import { listOperatorLedger } from "../operator/list-operator-ledger.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

const wish = (email: string, some: Partial<ProposeCorrectionInput>): ProposeCorrectionInput => ({
  email,
  kind: "correction",
  gigabytes: "",
  amountUsd: "",
  reason: "A node sent zeros on 3 May.",
  idempotencyKey: newId("cor"),
  ...some,
});
const propose = (admin: AdminActor, email: string, some: Partial<ProposeCorrectionInput>) =>
  proposeCorrection(panel.ctx(admin), wish(email, some));

async function expectNoFaults(): Promise<void> {
  const rows = await panel.database.$queryRaw<{ check: string }[]>`select "check" from reconcile() where bad_count > 0`;
  expect(rows).toEqual([]);
}

describe("a correction", () => {
  test("of a client is posted at once when it is small, and its owner reads why", async () => {
    const [client, admin] = [await panel.client(), await panel.admin()];
    await panel.fixtures.credit(client.clientId, 5_000_000_000n, 15_000_000n);
    expect(await propose(admin, client.email, { gigabytes: "-0.5", amountUsd: "-1.50" })).toMatchObject({ status: "posted" });
    const { items } = await listLedger(panel.ctx(client), { limit: 2 });
    expect(items.map(({ kind, asset, amount, balanceAfter, note }) => ({ kind, asset, amount, balanceAfter, note }))).toEqual([
      { kind: "correction", asset: "BYTE", amount: -500_000_000n, balanceAfter: 4_500_000_000n, note: "A node sent zeros on 3 May." },
      { kind: "correction", asset: "USD6", amount: -1_500_000n, balanceAfter: 13_500_000n, note: "A node sent zeros on 3 May." },
    ]);
    await expectNoFaults();
  });

  test("of an operator shows in the running balance of its ledger", async () => {
    const [operator, admin] = [await panel.operator(), await panel.admin()];
    await panel.fixtures.earn(operator.operatorId, 2_000_000n);
    await propose(admin, operator.email, { amountUsd: "3.25" });
    const { items } = await listOperatorLedger(panel.ctx(operator), {});
    expect(items.map(({ amount, balanceAfter, note }) => [amount, balanceAfter, note])).toEqual([
      [3_250_000n, 5_250_000n, "A node sent zeros on 3 May."],
      [2_000_000n, 2_000_000n, null],
    ]);
  });

  test("above the named amount waits for another admin, who may post it or not", async () => {
    const [operator, first, second] = [await panel.operator(), await panel.admin(), await panel.admin()];
    const one = await propose(first, operator.email, { amountUsd: "50.000001" });
    const two = await propose(first, operator.email, { amountUsd: "60" });
    expect([one.status, two.status]).toEqual(["proposed", "proposed"]);
    expect(await refusalOf(approveCorrection(panel.ctx(first), { id: one.id }))).toBe("SECOND_PERSON_NEEDED");
    expect((await listOperatorLedger(panel.ctx(operator), {})).items).toEqual([]);
    await approveCorrection(panel.ctx(second), { id: one.id });
    await rejectCorrection(panel.ctx(second), { id: two.id, reason: "Asked for twice." });
    for (const id of [one.id, two.id]) expect(await refusalOf(approveCorrection(panel.ctx(second), { id }))).toBe("STATE_CONFLICT");
    const { items } = await listOperatorLedger(panel.ctx(operator), {});
    expect(items.map(({ amount }) => amount)).toEqual([50_000_001n]);
    const listed = await listCorrections(panel.ctx(first), { status: "rejected" });
    expect(listed.items).toMatchObject([{ id: two.id, rejection: "Asked for twice.", isProposedByMe: true, ownerEmail: operator.email }]);
    await expectNoFaults();
  });

  test("is small by the same amounts in the panel and in the database", async () => {
    const rows = await panel.database.$queryRaw<
      { bytes: bigint; micro_usd: bigint }[]
    >`select bytes, micro_usd from correction_alone_max()`;
    expect(rows).toEqual([{ bytes: correctionAloneMax.bytes, micro_usd: correctionAloneMax.microUsd }]);
  });

  test("in small parts does not get around the second admin, not even at the same moment", async () => {
    const [operator, admin] = [await panel.operator(), await panel.admin()];
    const parts = await Promise.all(Array.from({ length: 8 }, () => propose(admin, operator.email, { amountUsd: "20" })));
    expect(parts.filter(({ status }) => status === "posted")).toHaveLength(2);
    expect(await propose(admin, operator.email, { amountUsd: "-10.000001" })).toMatchObject({ status: "proposed" });
    expect(await propose(admin, operator.email, { amountUsd: "-10" })).toMatchObject({ status: "posted" });
  });

  test("never takes more than there is", async () => {
    const [client, operator, admin] = [await panel.client(), await panel.operator(), await panel.admin()];
    await panel.fixtures.credit(client.clientId, 1_000_000_000n, 3_000_000n);
    expect(await refusalOf(propose(admin, client.email, { gigabytes: "-1.000000001" }))).toBe("BALANCE_TOO_LOW");
    expect(await refusalOf(propose(admin, client.email, { amountUsd: "-3.01" }))).toBe("BALANCE_TOO_LOW");
    expect(await refusalOf(propose(admin, operator.email, { amountUsd: "-0.01" }))).toBe("BALANCE_TOO_LOW");
    expect(await panel.database.correction.count({ where: { clientId: client.clientId } })).toBe(0);
  });

  test("with a used key is the same one, and with other words a conflict", async () => {
    const [operator, admin] = [await panel.operator(), await panel.admin()];
    const input = wish(operator.email, { amountUsd: "1" });
    const answers = await Promise.all(Array.from({ length: 5 }, () => proposeCorrection(panel.ctx(admin), input)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect((await listOperatorLedger(panel.ctx(operator), {})).items).toHaveLength(1);
    expect(await refusalOf(proposeCorrection(panel.ctx(admin), { ...input, amountUsd: "2" }))).toBe("IDEMPOTENCY_CONFLICT");
    expect(await refusalOf(proposeCorrection(panel.ctx(admin), { ...input, reason: "another one" }))).toBe("IDEMPOTENCY_CONFLICT");
  });

  test("needs an account that has such a balance", async () => {
    const [operator, admin] = [await panel.operator(), await panel.admin()];
    expect(await refusalOf(propose(admin, "nobody@test.local", { amountUsd: "1" }))).toBe("NOT_FOUND");
    expect(await refusalOf(propose(admin, admin.email, { amountUsd: "1" }))).toBe("NOT_FOUND");
    expect(await refusalOf(propose(admin, operator.email, { gigabytes: "1" }))).toBe("INPUT_INVALID");
    expect(await refusalOf(propose(admin, operator.email, { kind: "promotion", gigabytes: "1" }))).toBe("INPUT_INVALID");
  });
});

describe("promotional credit", () => {
  test("is traffic with its worth at the client's price, out of the promotion account", async () => {
    const [client, admin] = [await panel.client(), await panel.admin()];
    const { id } = await propose(admin, client.email, { kind: "promotion", gigabytes: "2.5", reason: "Welcome." });
    const entries = await panel.database.$queryRaw<{ kind: string; amount: bigint }[]>`
      select a.kind::text as kind, e.amount from ledger_tx t join ledger_entry e on e.tx_id = t.id join ledger_account a on a.id = e.account_id
       where t.idempotency_key = ${`correction:${id}`} order by 1`;
    expect(entries).toEqual([
      { kind: "bytes_issued", amount: -2_500_000_000n },
      { kind: "client_bytes", amount: 2_500_000_000n },
      { kind: "client_usd", amount: 7_500_000n },
      { kind: "promotion", amount: -7_500_000n },
    ]);
    await expectNoFaults();
  });
});
