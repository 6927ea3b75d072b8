// Bundles the program of the workspace in the current folder: `src/main.ts` to `dist/main.mjs`, and for the panels
// `src/server/main.ts` to `dist/server.mjs`. Turbo runs it per app; the file list of the bundle stands in dist/meta.json.
// With a path, the bundle goes there and nothing else is written: for tests that run beside others.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleOptions } from "./bundle-options.mjs";

const directory = process.cwd();
const options = bundleOptions(directory);
if (options === null) {
  console.error(`${directory} holds no src/main.ts to bundle.`);
  process.exit(1);
}
const [outfile] = process.argv.slice(2);
if (outfile === undefined) {
  mkdirSync(join(directory, "dist"), { recursive: true });
  const { metafile } = await build(options);
  writeFileSync(join(directory, "dist", "meta.json"), JSON.stringify(metafile));
} else {
  await build({ ...options, outfile });
}
