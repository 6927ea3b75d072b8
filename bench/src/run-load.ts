/**
 * One run of the load generator. Its JSON is returned as it is; a run that printed none is a BenchError.
 * Limit: 240 s unless told otherwise.
 */
import { execFile } from "node:child_process";
import { BenchError } from "./build-load.ts";
import { readObject, type JsonObject } from "./json.ts";
import { pinned, type Place } from "./processes.ts";

const runTimeoutMs = 240_000;
const outputBytesMax = 1_000_000;

/** Processes whose CPU and memory are counted together. */
export interface Account {
  readonly pids: readonly number[];
  /** Their children count too: PostgreSQL and sshd work in them. Elsewhere helpers come and go and are left out. */
  readonly isFamily?: true;
}

export type Mode = "direct" | "connect" | "socks5" | "http";

export interface LoadRun {
  readonly program: string;
  readonly mode: Mode;
  /** host:port of the origin. */
  readonly origin: string;
  /** host:port of the proxy; absent in mode "direct". */
  readonly proxy?: string;
  /** user:password for the proxy. */
  readonly credentials?: string;
  /** By role: "server", "database", "nodes". */
  readonly accounts?: Readonly<Record<string, Account>>;
  /** From workArguments(). */
  readonly work: readonly string[];
  readonly place?: Place;
  /** Put before its command line: what enters a network namespace. */
  readonly prefix?: readonly string[];
  readonly timeoutMs?: number;
}

export function runLoad(run: LoadRun): Promise<JsonObject> {
  const accounts = Object.entries(run.accounts ?? {}).filter(([, account]) => account.pids.length > 0);
  const [program = "", ...args] = pinned(
    [
      ...(run.prefix ?? []),
      run.program,
      "run",
      "--mode",
      run.mode,
      "--target",
      run.origin,
      ...run.work,
      ...(run.proxy === undefined ? [] : ["--proxy", run.proxy]),
      ...(run.credentials === undefined ? [] : ["--user", run.credentials]),
      ...accounts.flatMap(([name, { pids, isFamily }]) => [isFamily ? "--account-family" : "--account", `${name}=${pids.join("+")}`]),
    ],
    run.place ?? "rest",
  );
  return new Promise((done, failed) => {
    execFile(program, args, { timeout: run.timeoutMs ?? runTimeoutMs, maxBuffer: outputBytesMax }, (cause, stdout, stderr) => {
      // Exit code 1 says that some answers were wrong; the JSON then counts them.
      try {
        done(readObject(stdout));
      } catch {
        failed(new BenchError(`The load generator printed no result: ${stderr.trim() || (cause?.message ?? "it ended")}`));
      }
    });
  });
}
