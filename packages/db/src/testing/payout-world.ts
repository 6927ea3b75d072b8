/** Payouts in every state, and each way in which the database must refuse to go on from there. For tests only. */
import { newId } from "@karvon/domain";
import type { Fixtures } from "@karvon/testkit";

const states = ["requested", "checked", "sent", "paid", "failed"] as const;
type State = (typeof states)[number];
const allowed: ReadonlySet<string> = new Set([
  "requested checked",
  "requested failed",
  "checked sent",
  "checked failed",
  "sent paid",
  "sent failed",
]);

/** What each step signs, with $A for the first admin and $B for the second. */
const signatures: Readonly<Record<State, string>> = {
  requested: "failure = NULL",
  checked: "checked_by = '$A', checked_at = now()",
  sent: "sent_by = '$B', sent_at = now(), batch_id = 'bat_1'",
  paid: "settled_by = '$B', settled_at = now(), reference = 'bank 1'",
  failed: "settled_by = '$B', settled_at = now(), failure = 'wrong account'",
};
const paths: Readonly<Record<State, readonly State[]>> = {
  requested: [],
  checked: ["checked"],
  sent: ["checked", "sent"],
  paid: ["checked", "sent", "paid"],
  failed: ["failed"],
};

export type Attempt = readonly [name: string, state: string, text: string];

const columns = "id, operator_id, idempotency_key, amount_micro_usd, method, destination, holder_name";

/** One payout in each state. The attempts are texts that must be refused, each with its SQL state, and leave nothing behind. */
export async function makePayouts(fixtures: Fixtures): Promise<Attempt[]> {
  const { operatorId, userId: operatorUserId } = await fixtures.makeOperator();
  const [first, second, suspended] = [await makeAdmin(fixtures), await makeAdmin(fixtures), await makeAdmin(fixtures)];
  await fixtures.pool.query("UPDATE user_account SET status = 'suspended' WHERE id = $1", [suspended]);
  const named = (text: string) => text.replaceAll("$A", first).replaceAll("$B", second);
  await fixtures.earn(operatorId, 1_000n);
  const ids = new Map<State, string>();
  for (const state of states) {
    const id = newId("pyt");
    ids.set(state, id);
    const steps = paths[state].map((step) => named(`UPDATE payout SET status = '${step}', ${signatures[step]} WHERE id = '${id}'`));
    const client = await fixtures.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query(`INSERT INTO payout (${columns}) VALUES ('${id}', '${operatorId}', '${id}', 100, 'iban', 'DE89', 'Ann')`);
      await client.query(postText(`payout:${id}:reserve`, "payout", { [`operator_payable ${operatorId}`]: -100, payout_clearing: 100 }));
      for (const step of steps) await client.query(step);
      if (state === "failed")
        await client.query(postText(`payout:${id}:return`, "payout", { payout_clearing: -100, [`operator_payable ${operatorId}`]: 100 }));
      if (state === "paid") await client.query(postText(`payout:${id}:close`, "payout", { payout_clearing: -100, payment_clearing: 100 }));
      await client.query("COMMIT");
    } finally {
      client.release();
    }
  }
  const idOf = (state: State) => `'${ids.get(state) ?? ""}'`;
  const step = (from: State, to: State, set = signatures[to]) =>
    named(`UPDATE payout SET status = '${to}', ${set} WHERE id = ${idOf(from)}`);
  const insert = (values: string, more = "") =>
    named(`INSERT INTO payout (${columns}${more}) VALUES ('pyt_new', '${operatorId}', ${values})`);
  const transitions = states.flatMap((from) => states.filter((to) => !allowed.has(`${from} ${to}`)).map((to) => [from, to] as const));
  return [
    ...transitions.map(([from, to]): Attempt => [`a payout from ${from} to ${to}`, "KV004", step(from, to)]),
    [
      "a payout that begins as checked",
      "KV004",
      insert("'k', 1, 'iban', 'D', 'A', 'checked', '$A', now()", ", status, checked_by, checked_at"),
    ],
    ["a request that somebody has signed", "23514", insert("'k', 1, 'iban', 'D', 'A', '$A', now()", ", checked_by, checked_at")],
    ["a payout without money behind it", "KV005", insert("'k', 1, 'iban', 'D', 'A'")],
    ["a payout of nothing", "23514", insert("'k', 0, 'iban', 'D', 'A'")],
    ["a payout by a method that does not exist", "22P02", insert("'k', 1, 'cash', 'D', 'A'")],
    ["a payout to nowhere", "23514", insert("'k', 1, 'iban', '', 'A'")],
    ["the same request twice", "23505", insert(`${idOf("paid")}, 1, 'iban', 'D', 'A'`)],
    ["a failure that gives nothing back", "KV005", step("sent", "failed")],
    ["a payment that closes nothing", "KV005", step("sent", "paid")],
    ["sending by the one who checked", "23514", step("checked", "sent", "sent_by = '$A', sent_at = now(), batch_id = 'bat_1'")],
    ["a check by the operator", "KV006", step("requested", "checked", `checked_by = '${operatorUserId}', checked_at = now()`)],
    ["a check by nobody", "KV006", step("requested", "checked", "checked_by = NULL")],
    ["sending by a suspended admin", "KV006", step("checked", "sent", `sent_by = '${suspended}', sent_at = now(), batch_id = 'bat_1'`)],
    [
      "an operator who takes back what was checked",
      "KV006",
      step("checked", "failed", `settled_by = '${operatorUserId}', settled_at = now(), failure = 'taken back'`),
    ],
    ["a failure without a reason", "23514", step("sent", "failed", "settled_by = '$B', settled_at = now()")],
    ["a payment without the bank's reference", "23514", step("sent", "paid", "settled_by = '$B', settled_at = now()")],
    ["another amount on the way", "KV004", step("checked", "sent", `${signatures.sent}, amount_micro_usd = 200`)],
    ["another destination on the way", "KV004", step("requested", "checked", `${signatures.checked}, destination = 'GB29'`)],
    ["another operator on the way", "KV004", step("requested", "checked", `${signatures.checked}, operator_id = 'opr_other'`)],
    ["another checker on the way", "KV004", step("checked", "sent", `${signatures.sent}, checked_by = '$B'`)],
    ["another sender on the way", "KV004", step("sent", "paid", `${signatures.paid}, sent_by = '$A'`)],
    ["delete of a payout", "KV004", `DELETE FROM payout WHERE id = ${idOf("failed")}`],
    ["truncate of payouts", "KV004", "TRUNCATE payout"],
    [
      "a reservation of more than was earned",
      "KV002",
      `SELECT ledger_post('payout:more', 'payout', 'x', NULL, '[{"kind": "operator_payable", "ownerId": "${operatorId}", "amount": -5000, "atLeast": 0}, {"kind": "payout_clearing", "amount": 5000}]')`,
    ],
  ];
}

export async function makeAdmin({ pool }: Fixtures): Promise<string> {
  const id = newId("usr");
  await pool.query("INSERT INTO user_account (id, email, role) VALUES ($1, $2, 'admin')", [id, `${id}@test.local`]);
  return id;
}

/** Amounts by "kind" or "kind owner". */
export function postText(key: string, kind: string, amounts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(amounts).map(([account, amount]) => {
    const [accountKind, ownerId] = account.split(" ");
    return { kind: accountKind, ownerId, amount };
  });
  return `SELECT ledger_post('${key}', '${kind}', 'test', NULL, '${JSON.stringify(entries)}')`;
}
