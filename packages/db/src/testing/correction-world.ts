/** Corrections in every state, and each way in which the database must refuse to go on from there. For tests only. */
import { newId } from "@karvon/domain";
import type { Fixtures } from "@karvon/testkit";
import { makeAdmin, postText, type Attempt } from "./payout-world.ts";

const states = ["proposed", "posted", "rejected"] as const;
const columns = "id, kind, client_id, operator_id, bytes, micro_usd, reason, idempotency_key, proposed_by";

/** One correction in each state, of 100 USD: too much for one admin. The attempts are texts that must be refused. */
export async function makeCorrections(fixtures: Fixtures): Promise<Attempt[]> {
  const [{ operatorId, userId }, { clientId }] = [await fixtures.makeOperator(), await fixtures.makeClient()];
  const [first, second] = [await makeAdmin(fixtures), await makeAdmin(fixtures)];
  const ids = new Map(states.map((state) => [state, newId("cor")]));
  const idOf = (state: (typeof states)[number]) => `'${ids.get(state) ?? ""}'`;
  const signed = (by: string) => `decided_by = '${by}', decided_at = now()`;
  const insert = (values: string, by = first) => `INSERT INTO ledger_correction (${columns}) VALUES ('cor_new', ${values}, 'k', '${by}')`;
  for (const state of states) {
    const id = idOf(state);
    const steps = {
      proposed: [],
      posted: [
        `UPDATE ledger_correction SET status = 'posted', ${signed(second)} WHERE id = ${id}`,
        postText(`correction:${ids.get(state) ?? ""}`, "correction", {
          [`operator_payable ${operatorId}`]: 100_000_000,
          write_off: -100_000_000,
        }),
      ],
      rejected: [`UPDATE ledger_correction SET status = 'rejected', rejection = 'no', ${signed(second)} WHERE id = ${id}`],
    }[state];
    const client = await fixtures.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query(
        `INSERT INTO ledger_correction (${columns}) VALUES (${id}, 'correction', NULL, '${operatorId}', 0, 100000000, 'test', ${id}, '${first}')`,
      );
      for (const step of steps) await client.query(step);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
  }
  const step = (from: (typeof states)[number], set: string) => `UPDATE ledger_correction SET ${set} WHERE id = ${idOf(from)}`;
  const post = `status = 'posted', ${signed(second)}`;
  return [
    ...(["posted", "rejected"] as const).flatMap((from) =>
      states.map((to): Attempt => [
        `a correction from ${from} to ${to}`,
        "KV004",
        step(
          from,
          `status = '${to}', rejection = ${to === "rejected" ? "'no'" : "NULL"}, decided_by = ${to === "proposed" ? "NULL" : `'${second}'`}`,
        ),
      ]),
    ),
    ["a correction that stays proposed with another reason", "KV004", step("proposed", "reason = 'another'")],
    ["another amount in the decision", "KV004", step("proposed", `${post}, micro_usd = 1`)],
    ["another account in the decision", "KV004", step("proposed", `${post}, operator_id = NULL, client_id = '${clientId}'`)],
    ["another proposer in the decision", "KV004", step("proposed", `${post}, proposed_by = '${second}'`)],
    ["a big correction by one admin", "KV006", step("proposed", `status = 'posted', ${signed(first)}`)],
    ["a decision by the operator", "KV006", step("proposed", `status = 'posted', ${signed(userId)}`)],
    ["a posting that nobody signed", "23514", step("proposed", "status = 'posted'")],
    ["a posting without entries", "KV005", step("proposed", post)],
    ["a rejection without words", "23514", step("proposed", `status = 'rejected', ${signed(second)}`)],
    [
      "a correction that begins as posted",
      "KV004",
      `INSERT INTO ledger_correction (${columns}, status) VALUES ('cor_new', 'correction', NULL, '${operatorId}', 0, 1, 'test', 'k', '${first}', 'posted')`,
    ],
    ["a proposal by the operator", "KV006", insert(`'correction', NULL, '${operatorId}', 0, 1, 'test'`, userId)],
    ["a proposal for nobody", "23514", insert("'correction', NULL, NULL, 0, 1, 'test'")],
    ["a proposal for two", "23514", insert(`'correction', '${clientId}', '${operatorId}', 0, 1, 'test'`)],
    ["a proposal of nothing", "23514", insert(`'correction', NULL, '${operatorId}', 0, 0, 'test'`)],
    ["traffic for an operator", "23514", insert(`'correction', NULL, '${operatorId}', 1, 1, 'test'`)],
    ["credit that takes", "23514", insert(`'promotion', '${clientId}', NULL, -1, 0, 'test'`)],
    ["a proposal without a reason", "23514", insert(`'correction', NULL, '${operatorId}', 0, 1, ''`)],
    [
      "the same proposal twice",
      "23505",
      `INSERT INTO ledger_correction (${columns}) VALUES ('cor_new', 'correction', NULL, '${operatorId}', 0, 1, 'test', ${idOf("posted")}, '${first}')`,
    ],
    ["delete of a correction", "KV004", `DELETE FROM ledger_correction WHERE id = ${idOf("rejected")}`],
    ["truncate of corrections", "KV004", "TRUNCATE ledger_correction"],
  ];
}
