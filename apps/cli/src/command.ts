/** What every command is made of. */
import type { ParseArgsConfig } from "node:util";
import type { Connection } from "./connect.ts";
import type { Result } from "./print.ts";

export interface Input {
  /** The options as typed; a missing one is undefined. */
  text(name: string): string | undefined;
  /** A whole number from `min` to `max`, or UsageError. */
  number(name: string, min: number, max: number): number | undefined;
  readonly words: readonly string[];
}

export interface Command {
  /** As typed, for example "proxy-user create". */
  readonly name: string;
  readonly summary: string;
  /** What follows the name in the usage line. */
  readonly usage: string;
  /** One line an option, without --json and --help, which every command has. */
  readonly options: Readonly<Record<string, string>>;
  /** How many words follow the name. */
  readonly words: number;
  run(connection: Connection, input: Input): Promise<Result>;
}

/** The parser's view of a command: every option but --json and --help takes a value. */
export function parserOptions(command: Command): NonNullable<ParseArgsConfig["options"]> {
  const values = Object.keys(command.options).map((name) => [name, { type: "string" as const }] as const);
  return { ...Object.fromEntries(values), json: { type: "boolean" }, help: { type: "boolean", short: "h" } };
}
