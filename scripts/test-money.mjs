// `npm run test:money`: the tests of money at full length, each printing its figure as one JSON line. `npm test` runs the same
// files in their short tier.
import { spawn } from "node:child_process";

/** Whoever adds a figure of money adds its file. */
const files = [
  "packages/journal/src/replay.test.ts",
  "packages/journal/src/power-loss.test.ts",
  "apps/proxy/src/crashes.integration.test.ts",
  "apps/proxy/src/full-disk.integration.test.ts",
  "apps/cli/src/usage-recover.integration.test.ts",
  "apps/cli/src/freshness.integration.test.ts",
  "packages/db/src/sql/flush-speed.integration.test.ts",
  "packages/db/src/sql/flush-faults.integration.test.ts",
  "packages/db/src/sql/quota-race.integration.test.ts",
  "packages/db/src/sql/wallet-race.integration.test.ts",
  "apps/proxy/src/quota-overrun.integration.test.ts",
  "apps/proxy/src/quota.integration.test.ts",
  "apps/proxy/src/simulation.integration.test.ts",
  "apps/proxy/src/money-mutants.integration.test.ts",
];

const root = new URL("..", import.meta.url).pathname;
const args = ["node_modules/vitest/vitest.mjs", "run", "--no-file-parallelism", ...files, ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env: { ...process.env, TEST_TIER: "full" } });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
