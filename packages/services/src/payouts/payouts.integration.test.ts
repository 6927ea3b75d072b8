import { newId } from "@karvon/domain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OperatorActor } from "../actor.ts";
import { checkPayout } from "../admin/check-payout.ts";
import { listAdminPayouts } from "../admin/list-admin-payouts.ts";
import { sendPayouts } from "../admin/send-payouts.ts";
import { confirmPayouts, failPayout } from "../admin/settle-payouts.ts";
import { cancelPayout } from "../operator/cancel-payout.ts";
import { listPayouts } from "../operator/list-payouts.ts";
import { openPayoutsMax, requestPayout } from "../operator/request-payout.ts";
import type { RequestPayoutInput } from "../inputs/payouts.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { refusalOf } from "../test/refusal-of.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

const wish = (amountUsd = "10"): RequestPayoutInput => ({
  amountUsd,
  method: "iban",
  destination: "DE89370400440532013000",
  holderName: "Ann Operator",
  idempotencyKey: newId("pyt"),
});

async function earner(microUsd: bigint): Promise<OperatorActor> {
  const operator = await panel.operator();
  await panel.fixtures.earn(operator.operatorId, microUsd);
  return operator;
}

interface Money {
  readonly payable: bigint;
  readonly clearing: bigint;
  readonly outside: bigint;
}

/** What the ledger holds for this operator, and on its way to any. */
async function readMoney(operatorId: string): Promise<Money> {
  const [money] = await panel.database.$queryRaw<Money[]>`
    select coalesce(sum(posted) filter (where kind = 'operator_payable' and owner_id = ${operatorId}), 0)::bigint as payable,
      coalesce(sum(posted) filter (where kind = 'payout_clearing'), 0)::bigint as clearing,
      coalesce(sum(posted) filter (where kind = 'payment_clearing'), 0)::bigint as outside from ledger_account`;
  if (money === undefined) throw new Error("no row");
  return money;
}

async function expectNoFaults(): Promise<void> {
  const rows = await panel.database.$queryRaw<{ check: string }[]>`select "check" from reconcile() where bad_count > 0`;
  expect(rows).toEqual([]);
}

const stateOf = async (id: string) => (await panel.database.payout.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;

describe("a payout", () => {
  test("goes through two pairs of hands, and its money with it", async () => {
    const [operator, first, second] = [await earner(25_000_000n), await panel.admin(), await panel.admin()];
    const before = await readMoney(operator.operatorId);
    const { id } = await requestPayout(panel.ctx(operator), wish("12.50"));
    expect(await readMoney(operator.operatorId)).toEqual({ ...before, payable: 12_500_000n, clearing: before.clearing + 12_500_000n });
    await checkPayout(panel.ctx(first), { id });
    const batch = await sendPayouts(panel.ctx(second), { ids: [id] });
    expect(batch).toMatchObject({ count: 1, amountMicroUsd: 12_500_000n });
    await confirmPayouts(panel.ctx(second), { ids: [id], reference: "statement 7" });
    expect(await readMoney(operator.operatorId)).toEqual({
      payable: 12_500_000n,
      clearing: before.clearing,
      outside: before.outside + 12_500_000n,
    });
    const { items } = await listPayouts(panel.ctx(operator), {});
    expect(items).toEqual([expect.objectContaining({ id, status: "paid", reference: "statement 7", amountMicroUsd: 12_500_000n })]);
    await expectNoFaults();
  });

  test("is not sent by the admin who checked it, not even in a batch with others", async () => {
    const [operator, first, second] = [await earner(20_000_000n), await panel.admin(), await panel.admin()];
    const [one, two] = [await requestPayout(panel.ctx(operator), wish()), await requestPayout(panel.ctx(operator), wish())];
    await checkPayout(panel.ctx(first), { id: one.id });
    await checkPayout(panel.ctx(second), { id: two.id });
    const audits = await panel.countAudits();
    for (const admin of [first, second])
      expect(await refusalOf(sendPayouts(panel.ctx(admin), { ids: [one.id, two.id] }))).toBe("SECOND_PERSON_NEEDED");
    expect([await stateOf(one.id), await stateOf(two.id)]).toEqual(["checked", "checked"]);
    expect(await panel.countAudits()).toBe(audits);
    const { items } = await listAdminPayouts(panel.ctx(first), { status: "checked" });
    expect(items.map(({ id, isCheckedByMe }) => [id, isCheckedByMe])).toEqual([
      [two.id, false],
      [one.id, true],
    ]);
    await sendPayouts(panel.ctx(second), { ids: [one.id] });
    expect(await stateOf(one.id)).toBe("sent");
  });

  test.each(["requested", "checked", "sent"] as const)(
    "that fails when it is %s gives the money back by new entries and says why",
    async (state) => {
      const [operator, first, second] = [await earner(10_000_000n), await panel.admin(), await panel.admin()];
      const before = await readMoney(operator.operatorId);
      const { id } = await requestPayout(panel.ctx(operator), wish());
      if (state !== "requested") await checkPayout(panel.ctx(first), { id });
      if (state === "sent") await sendPayouts(panel.ctx(second), { ids: [id] });
      await failPayout(panel.ctx(first), { id, reason: "The bank knows no such holder." });
      expect(await readMoney(operator.operatorId)).toEqual(before);
      const { items } = await listPayouts(panel.ctx(operator), {});
      expect(items).toEqual([expect.objectContaining({ status: "failed", failure: "The bank knows no such holder." })]);
      expect(await refusalOf(failPayout(panel.ctx(first), { id, reason: "once more" }))).toBe("STATE_CONFLICT");
      expect(await readMoney(operator.operatorId)).toEqual(before);
      await expectNoFaults();
    },
  );

  test("is taken back by its operator until somebody checks it", async () => {
    const [operator, stranger, admin] = [await earner(20_000_000n), await panel.operator(), await panel.admin()];
    const [one, two] = [await requestPayout(panel.ctx(operator), wish()), await requestPayout(panel.ctx(operator), wish())];
    expect(await refusalOf(cancelPayout(panel.ctx(stranger), { id: one.id }))).toBe("NOT_FOUND");
    await cancelPayout(panel.ctx(operator), { id: one.id });
    expect((await readMoney(operator.operatorId)).payable).toBe(10_000_000n);
    await checkPayout(panel.ctx(admin), { id: two.id });
    expect(await refusalOf(cancelPayout(panel.ctx(operator), { id: two.id }))).toBe("STATE_CONFLICT");
  });

  test("settled by two people at the same moment settles once", async () => {
    const [operator, first, second] = [await earner(10_000_000n), await panel.admin(), await panel.admin()];
    const { id } = await requestPayout(panel.ctx(operator), wish());
    await checkPayout(panel.ctx(first), { id });
    await sendPayouts(panel.ctx(second), { ids: [id] });
    const outcomes = await Promise.all([
      ...Array.from({ length: 4 }, () => refusalOf(confirmPayouts(panel.ctx(first), { ids: [id], reference: "statement 8" }))),
      ...Array.from({ length: 4 }, () => refusalOf(failPayout(panel.ctx(second), { id, reason: "it came back" }))),
    ]);
    expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => "STATE_CONFLICT"), "nothing refused it"]);
    await expectNoFaults();
  });

  test("in a batch with one that cannot go on moves none of it", async () => {
    const [operator, first, second] = [await earner(20_000_000n), await panel.admin(), await panel.admin()];
    const [one, two] = [await requestPayout(panel.ctx(operator), wish()), await requestPayout(panel.ctx(operator), wish())];
    await checkPayout(panel.ctx(first), { id: one.id });
    expect(await refusalOf(sendPayouts(panel.ctx(second), { ids: [one.id, two.id] }))).toBe("STATE_CONFLICT");
    expect(await refusalOf(sendPayouts(panel.ctx(second), { ids: [one.id, newId("pyt")] }))).toBe("NOT_FOUND");
    expect([await stateOf(one.id), await stateOf(two.id)]).toEqual(["checked", "requested"]);
  });
});

describe("asking for a payout", () => {
  test("fifty times at once never asks for more than there is", async () => {
    const operator = await earner(35_000_000n);
    const before = await readMoney(operator.operatorId);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => refusalOf(requestPayout(panel.ctx(operator), wish()))));
    expect(outcomes.filter((outcome) => outcome === "nothing refused it")).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === "BALANCE_TOO_LOW")).toHaveLength(47);
    expect(await readMoney(operator.operatorId)).toEqual({ ...before, payable: 5_000_000n, clearing: before.clearing + 30_000_000n });
    const lowest = await panel.database.$queryRaw<{ least: bigint }[]>`
      select min(e.balance_after) as least from ledger_entry e join ledger_account a on a.id = e.account_id where a.owner_id = ${operator.operatorId}`;
    expect(lowest).toEqual([{ least: 5_000_000n }]);
    await expectNoFaults();
  });

  test("twice with one key is one payout and one audit row, even at the same moment", async () => {
    const operator = await earner(50_000_000n);
    const input = wish();
    const audits = await panel.countAudits();
    const answers = await Promise.all(Array.from({ length: 8 }, () => requestPayout(panel.ctx(operator), input)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect((await readMoney(operator.operatorId)).payable).toBe(40_000_000n);
    expect(await panel.countAudits()).toBe(audits + 1);
    expect(await refusalOf(requestPayout(panel.ctx(operator), { ...input, amountUsd: "11" }))).toBe("IDEMPOTENCY_CONFLICT");
    expect(await refusalOf(requestPayout(panel.ctx(operator), { ...input, holderName: "Bob" }))).toBe("IDEMPOTENCY_CONFLICT");
  });

  test(`is refused while ${openPayoutsMax} are open`, async () => {
    const operator = await earner(100_000_000n);
    for (let count = 0; count < openPayoutsMax; count += 1) await requestPayout(panel.ctx(operator), wish());
    expect(await refusalOf(requestPayout(panel.ctx(operator), wish()))).toBe("LIMIT_EXCEEDED");
    expect((await readMoney(operator.operatorId)).payable).toBe(50_000_000n);
  });

  test("is refused to a suspended operator, and to one who has earned nothing", async () => {
    const operator = await earner(20_000_000n);
    await panel.database.operator.update({ where: { id: operator.operatorId }, data: { status: "suspended" }, select: { id: true } });
    expect(await refusalOf(requestPayout(panel.ctx(operator), wish()))).toBe("ACCOUNT_SUSPENDED");
    expect(await refusalOf(requestPayout(panel.ctx(await panel.operator()), wish()))).toBe("BALANCE_TOO_LOW");
  });

  test("leaves nothing behind when its audit row cannot be written", async () => {
    const operator = await earner(20_000_000n);
    await panel.fixtures.pool.query(
      `create function fail_for_test() returns trigger language plpgsql as $$ begin
         if new.actor_id = '${operator.userId}' then raise exception 'no audit today'; end if; return new; end $$;
       create trigger aaa_fail_for_test before insert on audit_log for each row execute function fail_for_test()`,
    );
    await expect(requestPayout(panel.ctx(operator), wish())).rejects.toThrow("no audit today");
    expect(await panel.database.payout.count({ where: { operatorId: operator.operatorId } })).toBe(0);
    expect((await readMoney(operator.operatorId)).payable).toBe(20_000_000n);
    await panel.fixtures.pool.query("drop trigger aaa_fail_for_test on audit_log; drop function fail_for_test()");
  });
});
