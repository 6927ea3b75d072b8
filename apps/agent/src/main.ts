/** The program `karvon-agent`. */
import { type Command, readArguments, usage } from "./cli/arguments.ts";
import { type Terminal, enroll, run, status, withdraw } from "./cli/commands.ts";
import { AgentStoreError } from "./store/agent-store.ts";

const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const terminal: Terminal = {
  input: process.stdin,
  output: process.stdout,
  onStopSignal(stop) {
    let isStopping = false;
    for (const signal of stopSignals) {
      process.on(signal, () => {
        // The second Ctrl-C does not wait for anything.
        if (isStopping) process.exit(130);
        isStopping = true;
        stop();
      });
    }
  },
};

// A terminal or pipe that has gone away must not end the agent with a stack trace; it stops on SIGHUP.
process.stdout.on("error", () => undefined);

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case "enroll":
      return enroll(command, terminal);
    case "run":
      return run(command, terminal);
    case "withdraw":
      return withdraw(command, terminal);
    case "status":
      return status(command, terminal);
    case "help":
      terminal.output.write(usage);
      return 0;
    case "wrong":
      process.stderr.write(`karvon-agent: ${command.reason}. See: karvon-agent help\n`);
      return 2;
  }
}

try {
  process.exitCode = await main(readArguments(process.argv.slice(2)));
} catch (cause) {
  if (!(cause instanceof AgentStoreError)) throw cause;
  process.stderr.write(`karvon-agent: ${cause.message}\n`);
  process.exitCode = 1;
}
