/** Bundles the fleet's program, so that nodes run as they are shipped: one file of plain JavaScript, no loader. */
import { join } from "node:path";
import { build } from "esbuild";

/** Absolute path of the program. */
export async function buildNodes(buildDir: string): Promise<string> {
  const outfile = join(buildDir, "nodes.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "nodes-main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Node's ESM has no `require`; inlined CommonJS packages expect one.
    banner: { js: 'import { createRequire as benchRequire } from "node:module"; const require = benchRequire(import.meta.url);' },
    legalComments: "none",
    logLevel: "warning",
  });
  return outfile;
}
