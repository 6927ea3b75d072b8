// `npm run bench`: builds what has changed, then runs bench/src/main.ts. Node 20 does not read TypeScript by itself, so
// tsx loads it. Standard output carries the figures only; everything else goes to standard error.
import { spawn } from "node:child_process";
import { explainNode } from "./lib/node-version.mjs";

const args = process.argv.slice(2);

async function build() {
  const { isInstalled, releaseSignals, turbo } = await import("./lib/steps.mjs");
  if (!isInstalled()) return "The dependencies are not installed; run npm ci (or npm start) first.";
  process.stderr.write("building what has changed\n");
  const done = await turbo(["build", ...["launcher", "proxy", "web"].map((name) => `--filter=@karvon/${name}`)]);
  releaseSignals();
  return done.code === 0 ? undefined : `The build failed:\n${done.output.trim().split("\n").slice(-40).join("\n")}`;
}

/** Only Karvon itself needs a build: not the peer alone, and not figures measured before. */
function needsBuild() {
  const peers = args.find((_, index) => args[index - 1] === "--peers");
  const measuresNothing = ["--table", "--write-docs", "--help"].some((name) => args.includes(name));
  return !measuresNothing && (peers === undefined || peers.includes("karvon"));
}

function run() {
  const main = new URL("../bench/src/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
    cwd: new URL("..", import.meta.url).pathname,
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
}

const complaint = explainNode(process.versions.node) || (needsBuild() ? await build() : undefined);
if (complaint) {
  process.stderr.write(`${complaint}\n`);
  process.exitCode = 1;
} else {
  run();
}
