/**
 * The launcher: `npm start` runs it after the build. It owns every other process of the platform.
 *
 * Ctrl-C or SIGTERM stops everything in order; a second Ctrl-C kills the programs and still stops PostgreSQL properly.
 * SIGUSR2 replaces the gateway processes one after the other without refusing anybody; so does SIGHUP when no terminal
 * is attached (with one it means that the terminal is gone).
 * Exit code 0 after a stop that was asked for, 1 when something could not start or stay up.
 */
import { readSettings, SettingsError } from "@karvon/settings";
import { createPlatform, root, type PlatformRun } from "./platform.ts";
import { createProgress } from "./progress.ts";
import { StartError } from "./start-error.ts";
import { summaryOf } from "./summary.ts";

const progress = createProgress((text) => void process.stdout.write(text));

function complain(error: unknown): void {
  const isExpected = error instanceof StartError || error instanceof SettingsError;
  process.stderr.write(
    `${isExpected ? error.message : `Karvon did not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`}\n`,
  );
}

async function main(): Promise<void> {
  let run: PlatformRun | undefined;
  let isStopping = false;
  const stop = async (code: number): Promise<void> => {
    const isSecond = isStopping;
    isStopping = true;
    process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
    await run?.stop(isSecond);
    process.exit();
  };
  const restart = (): void => void run?.restartGateways();
  if (process.platform !== "win32") process.on("SIGUSR2", restart);
  if (!process.stdout.isTTY) process.on("SIGHUP", restart);
  for (const signal of stopSignals()) {
    process.on(signal, () => {
      progress.say(isStopping ? "killing what still runs" : "stopping (Ctrl-C again to hurry)");
      void stop(0);
    });
  }
  try {
    run = createPlatform({
      settings: readSettings(process.env, root),
      environment: process.env,
      progress,
      onFatal(reason) {
        process.stderr.write(`${reason}.\n`);
        void stop(1);
      },
    });
    const { ready } = await run.start();
    progress.say("everything serves");
    progress.print(summaryOf(ready));
  } catch (error) {
    if (isStopping) return;
    complain(error);
    await stop(1);
  }
}

function stopSignals(): readonly NodeJS.Signals[] {
  return process.stdout.isTTY ? ["SIGINT", "SIGTERM", "SIGHUP"] : ["SIGINT", "SIGTERM"];
}

await main();
