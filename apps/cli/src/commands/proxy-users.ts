import { createProxyUser, disableProxyUser, enableProxyUser, listProxyUsers, type ProxyUserView } from "@karvon/services";
import { CreateProxyUserInput, ProxyUserIdInput } from "@karvon/services/inputs";
import { AppError } from "@karvon/domain";
import { checkInput } from "../check-input.ts";
import type { Command } from "../command.ts";
import type { Connection, Owner } from "../connect.ts";
import { bytes, moment, table } from "../print.ts";

const clientOption = { client: "EMAIL   the client; needed when there is more than one" };

export const createProxyUserCommand: Command = {
  name: "proxy-user create",
  summary: "make the username and password that a program sends",
  usage: "[--username NAME]",
  options: {
    username: "NAME  4 to 32 of a-z and 0-9; made up when left out",
    label: "TEXT     what it is for",
    "limit-gb": "N     refuse more than N GB in total",
    ...clientOption,
  },
  words: 0,
  async run(connection, input) {
    const client = await connection.findClient(input.text("client"));
    const wish = checkInput(CreateProxyUserInput, {
      username: input.text("username"),
      label: input.text("label"),
      trafficLimitGb: input.number("limit-gb", 1, 1_000_000),
    });
    const made = await createProxyUser(connection.asClient(client), wish);
    const { host, port } = connection.proxy;
    const text = `username  ${made.username}\npassword  ${made.password}   (shown once)\nline      http://${made.username}:${made.password}@${host}:${port}`;
    return { json: made, text };
  },
};

export const listProxyUsersCommand: Command = {
  name: "proxy-user list",
  summary: "the client's proxy users",
  usage: "",
  options: clientOption,
  words: 0,
  async run(connection, input) {
    const client = await connection.findClient(input.text("client"));
    const users = await listProxyUsers(connection.asClient(client));
    const text = table(users, [
      { title: "USERNAME", value: (user) => user.username },
      { title: "STATUS", value: (user) => user.status },
      { title: "USED", value: (user) => bytes(user.usedBytes), isNumber: true },
      { title: "LIMIT", value: (user) => (user.trafficLimitBytes === null ? "-" : bytes(user.trafficLimitBytes)), isNumber: true },
      { title: "CREATED", value: (user) => moment(user.createdAt) },
      { title: "LABEL", value: (user) => user.label ?? "" },
    ]);
    return { json: users, text };
  },
};

function switchCommand(word: "disable" | "enable"): Command {
  return {
    name: `proxy-user ${word}`,
    summary: word === "disable" ? "refuse its next request; open sessions end" : "let it in again",
    usage: "USERNAME",
    options: clientOption,
    words: 1,
    async run(connection, input) {
      const { client, user } = await findProxyUser(connection, input.text("client"), input.words[0] ?? "");
      const verb = word === "disable" ? disableProxyUser : enableProxyUser;
      await verb(connection.asClient(client), checkInput(ProxyUserIdInput, { id: user.id }));
      const status = word === "disable" ? "disabled" : "active";
      return { json: { id: user.id, username: user.username, status }, text: `${user.username} is ${status}` };
    },
  };
}
export const disableProxyUserCommand = switchCommand("disable");
export const enableProxyUserCommand = switchCommand("enable");

async function findProxyUser(
  connection: Connection,
  email: string | undefined,
  username: string,
): Promise<{ client: Owner; user: ProxyUserView }> {
  const client = await connection.findClient(email);
  const users = await listProxyUsers(connection.asClient(client));
  const user = users.find((candidate) => candidate.username === username);
  if (user === undefined) throw new AppError("NOT_FOUND", `${client.email} has no proxy user ${username}.`);
  return { client, user };
}
