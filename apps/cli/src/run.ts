/**
 * Understands a command line and runs it. Exit codes: 0 done, 1 refused or a bad finding, 2 a command line that makes
 * no sense. Results go to `out`, everything said about failures to `err`, so that --json output stays whole.
 */
import { parseArgs } from "node:util";
import { AppError } from "@karvon/domain";
import { SettingsError } from "@karvon/settings";
import { parserOptions, type Command, type Input } from "./command.ts";
import { ConnectError, type Connection } from "./connect.ts";
import { deadLettersCommand, retryDeadLettersCommand } from "./commands/dead-letters.ts";
import { enrolCodeCommand, nodesCommand } from "./commands/fleet.ts";
import { balanceCommand, receiptCommand, reconcileCommand, sessionsCommand } from "./commands/money.ts";
import { payoutsCommand, requestPayoutCommand } from "./commands/payouts.ts";
import { createProxyUserCommand, disableProxyUserCommand, enableProxyUserCommand, listProxyUsersCommand } from "./commands/proxy-users.ts";
import { usageRecoverCommand } from "./commands/usage-recover.ts";
import { commandHelp, overviewHelp } from "./help.ts";
import { toJson } from "./print.ts";
import { UsageError } from "./usage-error.ts";

export const commands: readonly Command[] = [
  createProxyUserCommand,
  listProxyUsersCommand,
  disableProxyUserCommand,
  enableProxyUserCommand,
  enrolCodeCommand,
  nodesCommand,
  sessionsCommand,
  receiptCommand,
  balanceCommand,
  payoutsCommand,
  requestPayoutCommand,
  reconcileCommand,
  usageRecoverCommand,
  deadLettersCommand,
  retryDeadLettersCommand,
];

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
}

export async function run(args: readonly string[], terminal: Terminal, connect: () => Promise<Connection>): Promise<number> {
  try {
    return await runCommand(args, terminal, connect);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`karvon: ${error.message}\n`);
      return 2;
    }
    terminal.err(`karvon: ${explain(error)}\n`);
    return 1;
  }
}

function explain(error: unknown): string {
  if (error instanceof AppError) return `${error.message} (${error.code})`;
  if (error instanceof SettingsError || error instanceof ConnectError) return error.message;
  return error instanceof Error ? `something failed on our side: ${error.message}` : String(error);
}

async function runCommand(args: readonly string[], terminal: Terminal, connect: () => Promise<Connection>): Promise<number> {
  const first = args[0];
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    terminal.out(`${overviewHelp(commands)}\n`);
    return 0;
  }
  const command = findCommand(args);
  const parsed = parse(command, args.slice(command.name.split(" ").length));
  if (parsed.values["help"] === true) {
    terminal.out(`${commandHelp(command)}\n`);
    return 0;
  }
  if (parsed.positionals.length !== command.words) throw new UsageError(`type: karvon ${`${command.name} ${command.usage}`.trim()}`);
  const input = inputOf(parsed);
  const connection = await connect();
  try {
    const result = await command.run(connection, input);
    terminal.out(`${parsed.values["json"] === true ? toJson(result.json) : result.text}\n`);
    return result.exitCode ?? 0;
  } finally {
    await connection.close();
  }
}

function findCommand(args: readonly string[]): Command {
  const command = commands.find(({ name }) => name.split(" ").every((word, index) => args[index] === word));
  if (command !== undefined) return command;
  const near = commands.filter(({ name }) => name.startsWith(`${args[0]} `)).map(({ name }) => name);
  if (near.length > 0) throw new UsageError(`type one of: ${near.join(", ")}`);
  throw new UsageError(`there is no command ${args[0]}; karvon --help lists them`);
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parse(command: Command, args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...args], options: parserOptions(command), allowPositionals: true, strict: true });
  } catch (error) {
    const [sentence] = (error instanceof Error ? error.message : String(error)).split(". ", 1);
    throw new UsageError(`${sentence}; karvon ${command.name} --help lists the options`);
  }
}

function inputOf(parsed: Parsed): Input {
  const text = (name: string): string | undefined => {
    const value = parsed.values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    text,
    number(name, min, max) {
      const typed = text(name);
      if (typed === undefined) return undefined;
      const value = /^\d{1,9}$/.test(typed) ? Number(typed) : Number.NaN;
      if (!(value >= min && value <= max)) throw new UsageError(`--${name} is a whole number from ${min} to ${max}, not ${typed}`);
      return value;
    },
    words: parsed.positionals,
  };
}
