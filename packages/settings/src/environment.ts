/** Single variables of the environment, and the error that names one. */
import type { ValueReading } from "./values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that stops the start. The message is one sentence for the person who starts the program. */
export class SettingsError extends Error {
  readonly variable: string;
  constructor(variable: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SettingsError";
    this.variable = variable;
  }
}

/** An empty value counts as unset: shells and compose files write `NAME=` for that. */
export function textOf(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === "" ? undefined : text;
}

export function read<T>(env: Environment, name: string, reader: (text: string) => ValueReading<T>): T | undefined {
  const text = textOf(env, name);
  if (text === undefined) return undefined;
  const reading = reader(text);
  if (reading.kind === "wrong") throw new SettingsError(name, `${name} is wrong: ${reading.reason}.`);
  return reading.value;
}
