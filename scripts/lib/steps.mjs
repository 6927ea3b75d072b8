// What `npm start` and `npm test` share: running a tool, installing what the lock file says, building once.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const installBytesMin = 2_000_000_000;
const outputCharactersMax = 20_000;
const stillWorkingMs = 10_000;

/** An expected end of a script: one sentence, no stack. */
export class StepError extends Error {}

export function say(text) {
  process.stdout.write(`[${(performance.now() / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
}

const running = new Set();
const onSignal = (signal) => {
  for (const child of running) child.kill(signal);
  process.exit(signal === "SIGINT" ? 130 : 143);
};
process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);

/** Hands the signals to the program that takes over this process. */
export function releaseSignals() {
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}

/** Runs a program to its end. Resolves with its code, what it printed (bounded, newest kept) and its seconds. */
export function run(program, args, { env = process.env, show = false, shell = false, cwd = root } = {}) {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const child = spawn(program, args, { cwd, env, shell, stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"] });
    running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk) => {
        output = (output + chunk.toString("utf8")).slice(-outputCharactersMax);
      });
    }
    const end = (code) => {
      running.delete(child);
      resolve({ code, output, seconds: (performance.now() - startedMs) / 1000 });
    };
    child.once("error", (error) => {
      output += String(error);
      end(127);
    });
    child.once("close", (code) => end(code ?? 1));
  });
}

export const node = (script, args, options) => run(process.execPath, [script, ...args], options);

function entriesOf(path) {
  return Object.entries(JSON.parse(readFileSync(path, "utf8")).packages ?? {});
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes node_modules/.package-lock.json as its last
 * act, so a broken-off install is seen too. Packages of other platforms may be absent.
 */
export function isInstalled() {
  const stamp = `${root}node_modules/.package-lock.json`;
  if (!existsSync(stamp)) return false;
  const present = new Map(entriesOf(stamp));
  return entriesOf(`${root}package-lock.json`).every(([path, wanted]) => {
    if (!path.includes("node_modules/")) return true;
    const found = present.get(path);
    return found
      ? found.version === wanted.version && found.link === wanted.link
      : wanted.optional === true || wanted.devOptional === true || wanted.peer === true;
  });
}

function explainInstall(output) {
  if (/ENOSPC/.test(output)) return "The install ran out of disk space; free 2 GB and start again.";
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET/.test(output))
    return "The npm registry cannot be reached; check the network (or npm's registry and proxy settings) and start again.";
  if (/EACCES|EPERM/.test(output)) return "The install may not write to node_modules; make this folder yours and start again.";
  return `npm ci failed:\n${output.trim().split("\n").slice(-15).join("\n")}`;
}

export async function ensureInstalled() {
  if (isInstalled()) return;
  const disk = statfsSync(root);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < installBytesMin)
    throw new StepError(
      `The install needs ${installBytesMin / 1e9} GB of disk and ${(freeBytes / 1e9).toFixed(1)} GB are free; free some space and start again.`,
    );
  say("installing the dependencies (once, about a minute)");
  const ticker = setInterval(() => say("  still installing"), stillWorkingMs);
  // Under `npm start` npm names its own program; otherwise it is found on the path.
  const npm = process.env["npm_execpath"];
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = npm?.endsWith(".js") ? await node(npm, args) : await run("npm", args, { shell: process.platform === "win32" });
  clearInterval(ticker);
  if (done.code === 127) throw new StepError("npm is not installed or not on the path; install it (it comes with Node) and start again.");
  if (done.code !== 0) throw new StepError(explainInstall(done.output));
  say(`installed in ${done.seconds.toFixed(0)} s`);
}

/** The tools' own variables: no telemetry, no update look-ups, no colour codes in captured output. */
export const quietEnvironment = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  CHECKPOINT_DISABLE: "1",
  PRISMA_HIDE_UPDATE_MESSAGE: "1",
  DO_NOT_TRACK: "1",
  NO_COLOR: "1",
};

export function turbo(args, options) {
  return node("node_modules/turbo/bin/turbo", ["run", ...args, "--output-logs=errors-only", "--no-update-notifier"], {
    env: quietEnvironment,
    ...options,
  });
}

/** Builds what has changed since the last build; nothing has changed costs about a second. */
export async function ensureBuilt() {
  const isFirst = !existsSync(`${root}apps/web/.next/BUILD_ID`);
  if (isFirst) say("building (once, about half a minute)");
  const ticker = setInterval(() => say("  still building"), stillWorkingMs);
  const done = await turbo(["build"]);
  clearInterval(ticker);
  if (done.code !== 0) throw new StepError(`The build failed:\n${done.output.trim().split("\n").slice(-40).join("\n")}`);
  say(`built in ${done.seconds.toFixed(1)} s`);
}
