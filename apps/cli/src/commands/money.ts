import { getClientOverview, getReceipt, listAdminSessions, runReconciliation, type AdminSessionView } from "@karvon/services";
import { SessionIdInput, SessionsInput } from "@karvon/services/inputs";
import { checkInput } from "../check-input.ts";
import type { Command } from "../command.ts";
import { limitOption, readAll } from "../paging.ts";
import { bytes, moment, table, usd } from "../print.ts";

export const sessionsCommand: Command = {
  name: "sessions",
  summary: "proxy sessions of all clients with bytes and money, newest first",
  usage: "[--status open|closed|all]",
  options: {
    status: "WORD     open, closed or all (all when left out)",
    country: "CC      exits in this country only, for example DE",
    search: "TEXT     id, target, exit address or account",
    ...limitOption,
  },
  words: 0,
  async run(connection, input) {
    const filters = { status: input.text("status"), country: input.text("country"), search: input.text("search") };
    const sessions = await readAll<AdminSessionView>(input, (page) =>
      listAdminSessions(connection.admin, checkInput(SessionsInput, { ...page, ...filters })),
    );
    const text = table(sessions, [
      { title: "OPENED", value: (session) => moment(session.openedAt) },
      { title: "STATE", value: (session) => (session.closedAt === null ? "open" : (session.closeReason ?? "closed")) },
      { title: "USER", value: (session) => session.proxyUsername },
      { title: "TARGET", value: (session) => `${session.targetHost}:${session.targetPort}` },
      { title: "EXIT", value: (session) => [session.exitCountry, session.exitAddress].filter((part) => part !== null).join(" ") || "-" },
      { title: "UP", value: (session) => bytes(session.upBytes), isNumber: true },
      { title: "DOWN", value: (session) => bytes(session.downBytes), isNumber: true },
      { title: "DUE USD", value: (session) => usd(session.dueMicroUsd), isNumber: true },
      { title: "EARNED USD", value: (session) => usd(session.earnedMicroUsd), isNumber: true },
      { title: "ID", value: (session) => session.id },
    ]);
    return { json: sessions, text };
  },
};

export const balanceCommand: Command = {
  name: "balance",
  summary: "what a client has left and used",
  usage: "",
  options: { client: "EMAIL    the client; needed when there is more than one" },
  words: 0,
  async run(connection, input) {
    const client = await connection.findClient(input.text("client"));
    const { balanceBytes, balanceMicroUsd, picoUsdPerByte, sessionsOpen, today, month } = await getClientOverview(
      connection.asClient(client),
    );
    const json = { email: client.email, balanceBytes, balanceMicroUsd, picoUsdPerByte, sessionsOpen, today, month };
    const rows: [string, string][] = [
      ["client", client.email],
      ["traffic left", `${bytes(balanceBytes)}  (${balanceBytes} bytes)`],
      ["money left", `${usd(balanceMicroUsd)} USD`],
      ["today", `${bytes(today.upBytes + today.downBytes)}, ${usd(today.dueMicroUsd)} USD`],
      ["this month", `${bytes(month.upBytes + month.downBytes)}, ${usd(month.dueMicroUsd)} USD`],
      ["sessions open", String(sessionsOpen)],
    ];
    return { json, text: rows.map(([name, value]) => `${name.padEnd(14)} ${value}`).join("\n") };
  },
};

export const receiptCommand: Command = {
  name: "receipt",
  summary: "what one session of a client cost, and of what the sum is made",
  usage: "SESSION",
  options: { client: "EMAIL    the client; needed when there is more than one" },
  words: 1,
  async run(connection, input) {
    const client = await connection.findClient(input.text("client"));
    const receipt = await getReceipt(connection.asClient(client), checkInput(SessionIdInput, { id: input.words[0] }));
    const { price } = receipt;
    const rows: [string, string][] = [
      ["session", receipt.id],
      ["opened", `${moment(receipt.openedAt)} UTC`],
      ["closed", receipt.closedAt === null ? "still open" : `${moment(receipt.closedAt)} UTC, ${receipt.closeReason ?? "closed"}`],
      ["target", `${receipt.targetHost}:${receipt.targetPort}`],
      ["proxy user", receipt.proxyUsername],
      ["node", [receipt.country, receipt.city, receipt.connectionType].filter((part) => part !== null).join(", ") || "unknown"],
      ["up", `${receipt.upBytes} bytes`],
      ["down", `${receipt.downBytes} bytes`],
      ["price", `${usd(price.picoUsdPerByte * 1_000n)} USD per GB (${price.name}, ${price.id})`],
      ["amount due", `${usd(receipt.amountMicroUsd)} USD`],
      ["not billed", `${receipt.failedAttempts} attempts on other nodes before this one`],
    ];
    return { json: receipt, text: rows.map(([name, value]) => `${name.padEnd(11)} ${value}`).join("\n") };
  },
};

export const reconcileCommand: Command = {
  name: "reconcile",
  summary: "check now whether sessions, hours, ledger, balances and devices tell the same story; exit code 1 when not",
  usage: "",
  options: {},
  words: 0,
  async run(connection) {
    const found = await runReconciliation(connection.admin);
    const { totals, lastRun } = found;
    const checks = lastRun?.checks ?? [];
    const rows = table(checks, [
      { title: "RESULT", value: (check) => (check.badCount === 0 ? "ok" : "WRONG") },
      { title: "COUNT", value: (check) => String(check.badCount), isNumber: true },
      { title: "CHECK", value: (check) => check.check },
      { title: "MEANING", value: (check) => check.title },
    ]);
    const samples = checks.flatMap((check) => check.sample.map(({ subject, detail }) => `${check.check}  ${subject}: ${detail}`));
    const sums = [
      `measured by the gateways    ${totals.measuredBytes} bytes`,
      `debited from clients        ${totals.clientDebitBytes} bytes, ${usd(totals.clientDebitMicroUsd)} USD`,
      `credited to operators       ${usd(totals.operatorCreditMicroUsd)} USD`,
      `fee                         ${usd(totals.feeMicroUsd)} USD`,
    ];
    const parts = [rows, ...(samples.length === 0 ? [] : [samples.join("\n")]), sums.join("\n")];
    return { json: found, text: parts.join("\n\n"), exitCode: checks.every((check) => check.badCount === 0) ? 0 : 1 };
  },
};
