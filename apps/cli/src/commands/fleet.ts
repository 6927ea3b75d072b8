import { createEnrolmentCode, listAdminNodes, type AdminNodeView } from "@karvon/services";
import { CreateEnrolmentInput, SearchPageInput } from "@karvon/services/inputs";
import { checkInput } from "../check-input.ts";
import type { Command } from "../command.ts";
import { limitOption, readAll } from "../paging.ts";
import { bytes, moment, table, usd } from "../print.ts";

export const enrolCodeCommand: Command = {
  name: "enroll-code",
  summary: "make a code with which one device joins within 10 minutes",
  usage: "",
  options: { label: "TEXT       how the device shall be called", operator: "EMAIL   the operator; needed when there is more than one" },
  words: 0,
  async run(connection, input) {
    const operator = await connection.findOperator(input.text("operator"));
    const made = await createEnrolmentCode(
      connection.asOperator(operator),
      checkInput(CreateEnrolmentInput, { label: input.text("label") }),
    );
    return { json: made, text: `code     ${made.code}\ncommand  ${made.command}\nexpires  ${moment(made.expiresAt)} UTC` };
  },
};

export const nodesCommand: Command = {
  name: "nodes",
  summary: "all nodes with place, network and state, newest first",
  usage: "[--search TEXT]",
  options: { search: "TEXT     label, id, address, city, carrier or operator", ...limitOption },
  words: 0,
  async run(connection, input) {
    const search = input.text("search");
    const nodes = await readAll<AdminNodeView>(input, (page) =>
      listAdminNodes(connection.admin, checkInput(SearchPageInput, { ...page, search })),
    );
    const text = table(nodes, [
      { title: "LABEL", value: (node) => node.label },
      { title: "STATE", value: (node) => (node.status === "active" ? node.state : node.status) },
      { title: "PLACE", value: (node) => [node.country, node.city].filter((part) => part !== null).join(" ") || "-" },
      { title: "ADDRESS", value: (node) => node.publicAddress ?? "-" },
      { title: "NETWORK", value: (node) => node.network },
      { title: "BATTERY", value: (node) => (node.batteryPercent === null ? "-" : `${node.batteryPercent}%`), isNumber: true },
      { title: "TODAY", value: (node) => bytes(node.dayBytes), isNumber: true },
      { title: "EARNED USD", value: (node) => usd(node.earnedTodayMicroUsd), isNumber: true },
      { title: "ID", value: (node) => node.id },
    ]);
    return { json: nodes, text };
  },
};
