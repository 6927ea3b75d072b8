// `npm run bench`: runs bench/src/main.ts. Node 20 does not read TypeScript by itself, so tsx loads it.
import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const child = spawn(process.execPath, ["--import", "tsx", join(root, "bench", "src", "main.ts"), ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
