/**
 * Child processes of the benchmark: pinned to a core, known by pid, and gone when the benchmark is gone.
 *
 * Promises: `close` asks with SIGTERM and insists with SIGKILL after 10 s (or the time that the child was given); a child that ends by itself before it is ready
 * is reported with the end of what it said. Nothing is ever stopped by name.
 * Limits: 16 KiB of each child's output are kept; 60 s to become ready unless told otherwise.
 */
import { spawn, spawnSync, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { BenchError } from "./build-load.ts";
import { readObject, type JsonObject } from "./json.ts";

const stopTimeoutMs = 10_000;
const readyTimeoutMs = 60_000;
const portTimeoutMs = 10_000;
const portPollMs = 50;
const outputCharsMax = 16_384;

/** Who runs where: the server under test alone on its core, everything else on the other; or anybody anywhere. */
export type Place = "server" | "rest" | "anywhere";
const cores = { server: "1", rest: "0" } as const;

let isPinnable: boolean | undefined;

/** Whether taskset exists and this process may use both cores. */
export function mayPin(): boolean {
  isPinnable ??= availableParallelism() >= 2 && Object.values(cores).every((core) => canRunOn(core));
  return isPinnable;
}

function canRunOn(core: string): boolean {
  return spawnSync("taskset", ["-c", core, "true"], { stdio: "ignore" }).status === 0;
}

/** Moves a process that somebody else started, with all its threads, to its core. */
export function pin(pid: number, place: Place): void {
  if (place === "anywhere" || !mayPin()) return;
  const moved = spawnSync("taskset", ["-a", "-c", "-p", cores[place], String(pid)], { encoding: "utf8" });
  if (moved.status !== 0) throw new BenchError(`Process ${pid} could not be pinned to core ${cores[place]}: ${moved.stderr.trim()}`);
}

/** The command line that runs `argv` on the core of `place`. */
export function pinned(argv: readonly string[], place: Place): readonly string[] {
  return place !== "anywhere" && mayPin() ? ["taskset", "-c", cores[place], ...argv] : argv;
}

export interface StartOptions {
  readonly argv: readonly string[];
  readonly place: Place;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Until SIGTERM is followed by SIGKILL; 10 s unless told otherwise. */
  readonly stopTimeoutMs?: number;
  /** Called at once, for those who wait for an announcement and may be interrupted meanwhile. */
  readonly onStarted?: (started: RunningProcess) => void;
}

export interface RunningProcess {
  readonly pid: number;
  /** What it printed last, for a message about its failure. */
  tail(): string;
  hasEnded(): boolean;
  close(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function startProcess(options: StartOptions): RunningProcess {
  return launch(options).handle;
}

/** Starts a program that prints one JSON object on a line when it serves, and waits for that line. */
export async function startAnnounced(
  options: StartOptions,
  timeoutMs = readyTimeoutMs,
): Promise<RunningProcess & { readonly announced: JsonObject }> {
  const { child, handle, ended } = launch(options);
  const lines = createInterface({ input: child.stdout });
  try {
    const first = await Promise.race([firstLine(lines, timeoutMs), ended.then(() => null)]);
    if (first === null) throw new BenchError(`${options.argv.join(" ")} ended before it served: ${handle.tail()}`);
    return { ...handle, announced: readObject(first) };
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** Starts a program that says nothing when it serves, and waits until its port answers. */
export async function startListening(options: StartOptions, port: number, timeoutMs = portTimeoutMs): Promise<RunningProcess> {
  const { handle } = launch(options);
  try {
    await waitForPort(port, handle, timeoutMs);
    return handle;
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** Waits until something accepts on 127.0.0.1 at the port, and complains in the words of the process that should. */
export async function waitForPort(port: number, process: RunningProcess, timeoutMs = portTimeoutMs): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await accepts(port))) {
    if (process.hasEnded()) throw new BenchError(`it ended before it served: ${process.tail()}`);
    if (performance.now() > deadlineMs) throw new BenchError(`port ${port} does not answer: ${process.tail()}`);
    await pause(portPollMs);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

/** A port that was free a moment ago, for programs that cannot say which one they took. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new BenchError("No port is free.");
  return address.port;
}

async function firstLine(lines: Interface, timeoutMs: number): Promise<string> {
  const [line]: unknown[] = await once(lines, "line", { signal: AbortSignal.timeout(timeoutMs) });
  return String(line);
}

interface Launched {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly handle: RunningProcess;
  readonly ended: Promise<void>;
}

function launch(options: StartOptions): Launched {
  const [program = "", ...args] = pinned(options.argv, options.place);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: options.env ?? process.env, cwd: options.cwd });
  running.add(child);
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-outputCharsMax);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<void>((done) => {
    child.once("error", (cause) => {
      output += String(cause);
      done();
    });
    child.once("exit", () => done());
  }).finally(() => running.delete(child));
  const handle: RunningProcess = {
    pid: child.pid ?? 0,
    tail: () => output.trim().slice(-1_000),
    hasEnded: () => !running.has(child),
    async close() {
      if (!running.has(child)) return;
      child.kill("SIGTERM");
      const insist = setTimeout(() => child.kill("SIGKILL"), options.stopTimeoutMs ?? stopTimeoutMs);
      await ended;
      clearTimeout(insist);
    },
  };
  options.onStarted?.(handle);
  return { child, handle, ended };
}
