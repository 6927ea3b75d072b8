// `npm run check`: everything that can be said about the tree without running it. Prints the seconds of each step and
// the output of those that fail. Two steps run at a time.
import { run, say, turbo, quietEnvironment } from "./lib/steps.mjs";

const tool = (path, ...args) => [process.execPath, [path, ...args]];
export const checks = [
  ["types", ...tool("node_modules/@typescript/native/bin/tsc", "-p", ".")],
  ["lint", ...tool("node_modules/oxlint/bin/oxlint", "--type-aware")],
  [
    "import graph",
    ...tool(
      "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
      "--config",
      ".dependency-cruiser.cjs",
      "--no-progress",
      "apps",
      "packages",
    ),
  ],
  ["dead code", ...tool("node_modules/knip/bin/knip.js", "--no-progress")],
  ["data plane bundles", ...tool("scripts/check-bundle.mjs")],
  ["format", ...tool("node_modules/oxfmt/bin/oxfmt", "--check", ".")],
  ["document references", ...tool("scripts/check-docs.mjs")],
  ["lock file", ...tool("scripts/check-lock.mjs")],
  ["workspaces", ...tool("node_modules/sherif/index.js")],
];

/** Runs every check; resolves with the names of those that failed. */
export async function checkAll() {
  const generated = await turbo(["generate"]);
  if (generated.code !== 0) {
    process.stdout.write(`${generated.output}\n`);
    return ["generate"];
  }
  const failed = [];
  const queue = [...checks];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, program, args] = next;
      const done = await run(program, args, { env: quietEnvironment });
      say(`${done.code === 0 ? "ok    " : "FAILED"} ${done.seconds.toFixed(1).padStart(5)} s  ${name}`);
      if (done.code === 0) continue;
      failed.push(name);
      process.stdout.write(`${String(done.output).trim()}\n`);
    }
  };
  await Promise.all([worker(), worker()]);
  return failed;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const failed = await checkAll();
  say(
    failed.length === 0 ? `all ${checks.length} checks passed` : `${failed.length} of ${checks.length} checks failed: ${failed.join(", ")}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}
