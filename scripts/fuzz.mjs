// `npm run fuzz`: injured inputs against every parser in this process, and against a gateway over sockets. The tests run
// the same for a few seconds. Standard output carries one JSON line per parser.
//
//   --seconds N   for each parser; 60 when left out
//   --seed N      the same seed gives the same inputs; the time of day when left out
//   --only WORD   one part: wire (in process), tunnel (in process), sockets
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { explainNode } from "./lib/node-version.mjs";

const files = {
  wire: "packages/wire/src/fuzz.test.ts",
  tunnel: "packages/tunnel/src/fuzz.test.ts",
  sockets: "apps/proxy/src/fuzz.integration.test.ts",
};

function readOptions() {
  const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" }, only: { type: "string" } } });
  const seconds = Number(values.seconds ?? 60);
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  if (!(seconds > 0)) throw new RangeError("--seconds is a number above 0.");
  if (!Number.isSafeInteger(seed)) throw new RangeError("--seed is a whole number.");
  if (values.only !== undefined && !(values.only in files)) throw new RangeError(`--only is one of ${Object.keys(files).join(", ")}.`);
  return { seconds, seed, chosen: values.only === undefined ? Object.values(files) : [files[values.only]] };
}

function run({ seconds, seed, chosen }) {
  const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "--reporter=dot", ...chosen], {
    cwd: new URL("..", import.meta.url).pathname,
    env: { ...process.env, FUZZ_SECONDS: String(seconds), FUZZ_SEED: String(seed) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  createInterface({ input: child.stdout }).on("line", (line) => {
    // The reporter's dots stand before what a test prints.
    const figure = /\{"figure":"fuzz".*\}/.exec(line)?.[0];
    if (figure === undefined) process.stderr.write(`${line}\n`);
    else process.stdout.write(`${figure}\n`);
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
}

const complaint = explainNode(process.versions.node);
if (complaint) {
  process.stderr.write(`${complaint}\n`);
  process.exitCode = 1;
} else {
  try {
    run(readOptions());
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
