/**
 * One program of the platform: starts it, waits until it says that it serves, starts it again when it crashes, stops it.
 *
 * A program says `{type: "ready", …}` over IPC when it serves. It runs in a process group of its own, so Ctrl-C at the
 * terminal reaches the launcher only, which then stops the programs in order; a program whose launcher vanished sees its
 * IPC channel close and stops by itself.
 *
 * A program that can retire is replaced without a gap: its successor serves before it is asked to leave.
 *
 * Limits: 60 s to become ready, 5 crashes within 60 s (waiting 0.5, 1, 2, 4, 8 s), 60 s to retire, a stop time of its
 * own, then SIGKILL.
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
const retireTimeoutMs = 60_000;

export interface ServiceOptions {
  readonly name: string;
  /** Starts the process, with pipes for its output and an IPC channel. */
  readonly spawn: () => ChildProcess;
  /** Asks a process to leave while its successor serves. Without it the program cannot be replaced. */
  readonly askToRetire?: (child: ChildProcess) => void;
  readonly log: LogFile;
  readonly stopTimeoutMs: number;
  /** Aborted when the platform stops: a program that does not serve yet is ended at once. */
  readonly signal: AbortSignal;
  /** Every time it serves again after a crash. */
  readonly onRestarted: () => void;
  /** It crashed too often; nobody tries again. */
  readonly onGivenUp: (reason: string) => void;
  readonly say: (text: string) => void;
}

export interface Service {
  readonly name: string;
  readonly pid: number;
  /** What it said in its last ready message. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Starts a successor, and when that serves lets the process retire. Rejects with StartError, and then nothing has changed. */
  replace(): Promise<void>;
  /** Resolves when the process is gone. Safe to call twice; `now` kills without waiting. */
  stop(now?: boolean): Promise<void>;
}

interface Run {
  readonly child: ChildProcess;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Starts the program and resolves when it serves. Throws StartError with the end of its log. */
export async function startService(options: ServiceOptions): Promise<Service> {
  return new RunningService(options, await launch(options));
}

class RunningService implements Service {
  readonly name: string;
  readonly #options: ServiceOptions;
  #run: Run;
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  #reviving: Promise<void> = Promise.resolve();
  #replacing: Promise<void> = Promise.resolve();
  readonly #retiring = new Set<ChildProcess>();
  readonly #crashes: number[] = [];

  constructor(options: ServiceOptions, run: Run) {
    this.name = options.name;
    this.#options = options;
    this.#run = run;
    this.#watch(run.child);
  }

  get pid(): number {
    return this.#run.child.pid ?? 0;
  }

  get facts(): Run["facts"] {
    return this.#run.facts;
  }

  replace(): Promise<void> {
    this.#replacing = this.#replacing.catch(() => undefined).then(() => this.#replaceNow());
    return this.#replacing;
  }

  stop(now = false): Promise<void> {
    this.#isStopping = true;
    const children = [this.#run.child, ...this.#retiring];
    if (now) for (const child of children) child.kill("SIGKILL");
    this.#stopped ??= this.#end(children);
    return this.#stopped;
  }

  /** A start that is under way sees #isStopping and ends what it started. */
  async #end(children: readonly ChildProcess[]): Promise<void> {
    await Promise.all(children.map((child) => endProcess(child, this.#options.stopTimeoutMs)));
    await Promise.allSettled([this.#reviving, this.#replacing]);
  }

  #watch(child: ChildProcess): void {
    child.once("exit", (code, signal) => {
      if (!this.#isStopping && !this.#retiring.has(child)) this.#reviving = this.#revive(signal ?? `code ${code}`);
    });
  }

  async #revive(how: string): Promise<void> {
    const { name, log, signal, say, onGivenUp } = this.#options;
    const nowMs = Date.now();
    const crashes = this.#crashes;
    crashes.push(nowMs);
    while ((crashes[0] ?? nowMs) < nowMs - crashWindowMs) crashes.shift();
    if (crashes.length > crashesMax) {
      onGivenUp(`${name} ended ${crashes.length} times within ${crashWindowMs / 1000} s; the last lines of ${log.path} say why`);
      return undefined;
    }
    const waitMs = firstPauseMs * 2 ** (crashes.length - 1);
    say(`${name} ended unexpectedly (${how}); starting it again in ${waitMs / 1000} s (see ${log.path})`);
    await pause(waitMs, undefined, { signal }).catch(() => undefined);
    return this.#isStopping ? undefined : this.#launchAgain();
  }

  async #launchAgain(): Promise<void> {
    const { stopTimeoutMs, say, onRestarted, name } = this.#options;
    try {
      this.#run = await launch(this.#options);
    } catch (error) {
      if (!this.#isStopping) await this.#revive(error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error));
      return undefined;
    }
    const { child } = this.#run;
    if (this.#isStopping) return endProcess(child, stopTimeoutMs);
    this.#watch(child);
    say(`${name} serves again (process ${child.pid})`);
    return onRestarted();
  }

  async #replaceNow(): Promise<void> {
    const older = this.#run.child;
    if (this.#isStopping) return undefined;
    // If it crashes meanwhile, its successor is on the way already.
    this.#retiring.add(older);
    try {
      const next = await launch(this.#options);
      if (this.#isStopping) return await endProcess(next.child, this.#options.stopTimeoutMs);
      this.#run = next;
      this.#watch(next.child);
      this.#options.onRestarted();
      return await retireProcess(older, this.#options);
    } catch (error) {
      if (!this.#isStopping && hasEnded(older)) this.#reviving = this.#revive("while it was to be replaced");
      throw error;
    } finally {
      this.#retiring.delete(older);
    }
  }
}

async function retireProcess(child: ChildProcess, options: ServiceOptions): Promise<void> {
  if (hasEnded(child)) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  options.askToRetire?.(child);
  const isGone = await Promise.race([gone.then(() => true), pause(retireTimeoutMs, false, { ref: false })]);
  if (!isGone) await endProcess(child, options.stopTimeoutMs);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** A program of its own process group: Ctrl-C at the terminal does not reach it. */
export function forkProgram(program: {
  module: string;
  nodeArguments?: readonly string[];
  environment: NodeJS.ProcessEnv;
  cwd: string;
}): ChildProcess {
  return fork(program.module, [], {
    cwd: program.cwd,
    env: program.environment,
    execArgv: [...(program.nodeArguments ?? [])],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: process.platform !== "win32",
  });
}

function isReady(message: unknown): message is Readonly<Record<string, unknown>> {
  return typeof message === "object" && message !== null && "type" in message && message.type === "ready";
}

async function launch(options: ServiceOptions): Promise<Run> {
  const child = options.spawn();
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
  if (hasEnded(child)) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // Windows has no signals between processes: there a closed channel is the request to stop.
  if (process.platform === "win32") {
    if (child.connected) child.disconnect();
  } else child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await gone;
  clearTimeout(killer);
}
