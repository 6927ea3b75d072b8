/**
 * One program of the platform: starts it, waits until it says that it serves, starts it again when it crashes, stops it.
 *
 * A program says `{type: "ready", …}` over IPC when it serves. It runs in a process group of its own, so Ctrl-C at the
 * terminal reaches the launcher only, which then stops the programs in order; a program whose launcher vanished sees its
 * IPC channel close and stops by itself.
 *
 * Limits: 60 s to become ready, 5 crashes within 60 s (waiting 0.5, 1, 2, 4, 8 s), a stop time of its own, then SIGKILL.
 */
import { fork, type ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type { LogFile } from "./log-file.ts";
import { StartError } from "./start-error.ts";

const readyTimeoutMs = 60_000;
const crashesMax = 5;
const crashWindowMs = 60_000;
const firstPauseMs = 500;
const tailLines = 12;

export interface ServiceOptions {
  readonly name: string;
  readonly module: string;
  readonly nodeArguments?: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly log: LogFile;
  readonly stopTimeoutMs: number;
  /** Aborted when the platform stops: a program that does not serve yet is ended at once. */
  readonly signal: AbortSignal;
  /** Every time it serves again after a crash. */
  onRestarted(): void;
  /** It crashed too often; nobody tries again. */
  onGivenUp(reason: string): void;
  say(text: string): void;
}

export interface Service {
  readonly name: string;
  readonly pid: number;
  /** What it said in its last ready message. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Resolves when the process is gone. Safe to call twice; `now` kills without waiting. */
  stop(now?: boolean): Promise<void>;
}

interface Run {
  readonly child: ChildProcess;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Starts the program and resolves when it serves. Throws StartError with the end of its log. */
export async function startService(options: ServiceOptions): Promise<Service> {
  let run = await launch(options);
  let isStopping = false;
  let stopped: Promise<void> | undefined;
  let reviving: Promise<void> = Promise.resolve();
  const crashes: number[] = [];

  const watch = (child: ChildProcess): void => {
    child.once("exit", (code, signal) => {
      if (!isStopping) reviving = revive(signal ?? `code ${code}`);
    });
  };
  const revive = async (how: string): Promise<void> => {
    const nowMs = Date.now();
    crashes.push(nowMs);
    while ((crashes[0] ?? nowMs) < nowMs - crashWindowMs) crashes.shift();
    if (crashes.length > crashesMax) {
      options.onGivenUp(
        `${options.name} ended ${crashes.length} times within ${crashWindowMs / 1000} s; the last lines of ${options.log.path} say why`,
      );
      return;
    }
    const waitMs = firstPauseMs * 2 ** (crashes.length - 1);
    options.say(`${options.name} ended unexpectedly (${how}); starting it again in ${waitMs / 1000} s (see ${options.log.path})`);
    await pause(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
    if (isStopping) return;
    try {
      run = await launch(options);
    } catch (error) {
      if (!isStopping) await revive(error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error));
      return;
    }
    if (isStopping) return endProcess(run.child, options.stopTimeoutMs);
    watch(run.child);
    options.say(`${options.name} serves again (process ${run.child.pid})`);
    options.onRestarted();
  };
  watch(run.child);
  return {
    name: options.name,
    get pid() {
      return run.child.pid ?? 0;
    },
    get facts() {
      return run.facts;
    },
    stop(now = false) {
      isStopping = true;
      if (now) run.child.kill("SIGKILL");
      // A restart that is under way sees isStopping and ends what it started.
      stopped ??= endProcess(run.child, options.stopTimeoutMs).then(() => reviving);
      return stopped;
    },
  };
}

function isReady(message: unknown): message is Readonly<Record<string, unknown>> {
  return typeof message === "object" && message !== null && "type" in message && message.type === "ready";
}

async function launch(options: ServiceOptions): Promise<Run> {
  const child = fork(options.module, [], {
    cwd: options.cwd,
    env: options.environment,
    execArgv: [...(options.nodeArguments ?? [])],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: process.platform !== "win32",
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => options.log.write(chunk));
  // Without a listener a failed send over a closing channel would end the launcher; the exit event tells the rest.
  child.on("error", () => undefined);
  const onAbort = (): void => void endProcess(child, options.stopTimeoutMs);
  if (options.signal.aborted) onAbort();
  else options.signal.addEventListener("abort", onAbort, { once: true });
  const outcome = await new Promise<Run | string>((resolve) => {
    const timer = setTimeout(() => resolve(`did not become ready within ${readyTimeoutMs / 1000} s`), readyTimeoutMs);
    child.on("message", (message) => {
      if (isReady(message)) {
        clearTimeout(timer);
        resolve({ child, facts: message });
      }
    });
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      // The streams may still hold the last words.
      setTimeout(() => resolve(`ended with ${signal ?? `code ${code}`}`), 50);
    });
  });
  // A program that serves is stopped in order, by stop().
  options.signal.removeEventListener("abort", onAbort);
  if (typeof outcome !== "string") return outcome;
  await endProcess(child, 0);
  throw new StartError(explainEnd(options, outcome));
}

/** The program's own last word when it gave one (a fatal log line), otherwise the end of its log. */
function explainEnd({ name, log }: ServiceOptions, outcome: string): string {
  const lines = log.tail(tailLines).split("\n");
  const lastWord = lines.map(fatalMessage).findLast((message) => message !== null);
  return lastWord === undefined || lastWord === null
    ? `${name} ${outcome}. The end of ${log.path}:\n${lines.join("\n")}`
    : `${name} ${outcome}: ${lastWord} (more in ${log.path})`;
}

function fatalMessage(line: string): string | null {
  if (!line.startsWith("{")) return null;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null || !("level" in entry) || entry.level !== "fatal") return null;
    const cause: unknown = "cause" in entry ? entry.cause : null;
    const messages = [entry, cause].map((part) => (typeof part === "object" && part !== null && "message" in part ? part.message : null));
    return messages.filter((message) => typeof message === "string").join(" ") || null;
  } catch {
    return null;
  }
}

async function endProcess(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // Windows has no signals between processes: there a closed channel is the request to stop.
  if (process.platform === "win32") {
    if (child.connected) child.disconnect();
  } else child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await gone;
  clearTimeout(killer);
}
