/**
 * Compiles the load generator (bench/load/*.c) into a build folder, once, and again when a source is newer.
 * Promises one clear sentence, as a BenchError, when the machine cannot run it. Limit: 60 s for the compiler.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const compileTimeoutMs = 60_000;
const sourceDir = join(import.meta.dirname, "..", "load");
const compilers = ["cc", "gcc", "clang"] as const;

/** A reason for which there can be no measurement; the message is one sentence for the person who asked for it. */
export class BenchError extends Error {
  override readonly name = "BenchError";
}

/** Null when this machine can build the load generator, else why it cannot. */
export function whyNoLoadGenerator(): string | null {
  if (process.platform !== "linux") return "The benchmark runs on Linux only, because its load generator is built on epoll and /proc.";
  if (findCompiler() === null) {
    return "The benchmark needs a C compiler for its load generator; install one (on Debian and Ubuntu: apt-get install gcc libc6-dev) and run it again.";
  }
  return null;
}

/** Absolute path of the program. */
export function buildLoad(buildDir: string): string {
  const reason = whyNoLoadGenerator();
  const compiler = findCompiler();
  if (reason !== null || compiler === null) throw new BenchError(reason ?? "No C compiler was found.");
  const names = readdirSync(sourceDir).filter((name) => /\.[ch]$/.test(name));
  const newestMs = Math.max(...names.map((name) => statSync(join(sourceDir, name)).mtimeMs));
  const program = join(buildDir, "load");
  if ((statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newestMs) return program;
  mkdirSync(buildDir, { recursive: true });
  const sources = names.filter((name) => name.endsWith(".c")).map((name) => join(sourceDir, name));
  const fresh = `${program}.${process.pid}`;
  const made = spawnSync(compiler, ["-std=gnu11", "-O2", "-Wall", "-pthread", "-o", fresh, ...sources], {
    encoding: "utf8",
    timeout: compileTimeoutMs,
  });
  if (made.status !== 0) {
    throw new BenchError(
      `The load generator did not compile with ${compiler}: ${(made.stderr || String(made.error ?? "")).slice(0, 2_000)}`,
    );
  }
  // Renamed when complete, so that a test and a benchmark that build at the same time never run half a program.
  renameSync(fresh, program);
  return program;
}

function findCompiler(): string | null {
  return compilers.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0) ?? null;
}
