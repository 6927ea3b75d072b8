import type { Command } from "./command.ts";

export function overviewHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    "Usage: karvon <command> [options]",
    "",
    "Works on the running platform of this checkout (KARVON_DATA_DIR), or on the database of DATABASE_URL.",
    "",
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    "",
    "Every command understands --json (one JSON value on standard output) and --help.",
  ].join("\n");
}

export function commandHelp(command: Command): string {
  const options = [...Object.entries(command.options), ["json", "         print JSON"], ["help", "         this text"]];
  return [
    `Usage: karvon ${`${command.name} ${command.usage}`.trim()} [options]`,
    "",
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    "",
    ...options.map(([name, text]) => `  --${name} ${text}`),
  ].join("\n");
}
