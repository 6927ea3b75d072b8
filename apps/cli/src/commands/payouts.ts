import { listAdminPayouts, requestPayout, type AdminPayoutView } from "@karvon/services";
import { AdminPayoutsInput, RequestPayoutInput } from "@karvon/services/inputs";
import { newId } from "@karvon/domain";
import { checkInput } from "../check-input.ts";
import type { Command } from "../command.ts";
import { limitOption, readAll } from "../paging.ts";
import { moment, table, usd } from "../print.ts";

export const payoutsCommand: Command = {
  name: "payout list",
  summary: "payouts of all operators, newest first; the open ones when no state is named",
  usage: "[--status WORD]",
  options: { status: "WORD     requested, checked, sent, paid or failed", ...limitOption },
  words: 0,
  async run(connection, input) {
    const status = input.text("status");
    const payouts = await readAll<AdminPayoutView>(input, (page) =>
      listAdminPayouts(connection.admin, checkInput(AdminPayoutsInput, { ...page, status })),
    );
    const text = table(payouts, [
      { title: "ASKED FOR", value: (payout) => moment(payout.createdAt) },
      { title: "STATE", value: (payout) => payout.status },
      { title: "USD", value: (payout) => usd(payout.amountMicroUsd), isNumber: true },
      { title: "OPERATOR", value: (payout) => payout.operatorEmail },
      { title: "HOLDER", value: (payout) => payout.holderName },
      { title: "DESTINATION", value: (payout) => payout.destination },
      { title: "NOTE", value: (payout) => payout.failure ?? payout.reference ?? "" },
      { title: "ID", value: (payout) => payout.id },
    ]);
    return { json: payouts, text };
  },
};

export const requestPayoutCommand: Command = {
  name: "payout request",
  summary: "ask for what an operator has earned; two admins decide in the panel",
  usage: "USD --destination TEXT --holder NAME",
  options: {
    destination: "TEXT  an IBAN, or account/bank in Uzbekistan",
    holder: "NAME     the account holder as the bank knows it",
    method: "WORD     iban or uz_account (iban when left out)",
    key: "TEXT        the same key again is the same payout; made up when left out",
    operator: "EMAIL   the operator; needed when there is more than one",
  },
  words: 1,
  async run(connection, input) {
    const operator = await connection.findOperator(input.text("operator"));
    const wish = checkInput(RequestPayoutInput, {
      amountUsd: input.words[0] ?? "",
      method: input.text("method") ?? "iban",
      destination: input.text("destination") ?? "",
      holderName: input.text("holder") ?? "",
      idempotencyKey: input.text("key") ?? newId("pyt"),
    });
    const payout = await requestPayout(connection.asOperator(operator), wish);
    return { json: payout, text: `${payout.id} ${payout.status}, ${usd(payout.amountMicroUsd)} USD to ${payout.destination}` };
  },
};
