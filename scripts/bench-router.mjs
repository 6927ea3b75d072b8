// `npm run bench:router`: bundles bench/src/router-main.ts, so that it runs as the data plane is shipped (plain JavaScript, no
// loader), and runs it. Standard output carries one JSON line.
import { spawn } from "node:child_process";
import { build } from "esbuild";

const outfile = new URL("../bench/dist/router.mjs", import.meta.url).pathname;

await build({
  entryPoints: [new URL("../bench/src/router-main.ts", import.meta.url).pathname],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
});
const child = spawn(process.execPath, ["--expose-gc", outfile], { stdio: "inherit" });
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
