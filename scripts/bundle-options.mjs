// How each app is bundled. One file per program: a gateway that reads a single file starts faster and idles smaller
// than one that resolves hundreds of modules. Workspace packages are always inlined.
import { existsSync } from "node:fs";
import { basename, join } from "node:path";

// Node's ESM has neither `require` nor `__dirname`; inlined CommonJS packages expect both.
const banner = [
  'import { createRequire as __karvonRequire } from "node:module";',
  'import { fileURLToPath as __karvonPath } from "node:url";',
  "const require = __karvonRequire(import.meta.url);",
  "const __filename = __karvonPath(import.meta.url);",
  'const __dirname = __karvonPath(new URL(".", import.meta.url));',
].join("\n");

/** Programs of the data plane inline everything; the others leave npm packages where npm put them. */
const inlined = new Set(["proxy", "agent", "demo"]);

const npmStaysOutside = {
  name: "npm stays outside",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      if (kind === "entry-point" || path.startsWith("@karvon/") || path.startsWith("#")) return undefined;
      return { path, external: true };
    });
  },
};

/** esbuild's options for the app in `directory`, or null when the app has no program of its own. */
export function bundleOptions(directory) {
  const name = basename(directory);
  const [source, target] = name === "web" ? ["src/server/main.ts", "dist/server.mjs"] : ["src/main.ts", "dist/main.mjs"];
  if (!existsSync(join(directory, source))) return null;
  return {
    absWorkingDir: directory,
    entryPoints: [source],
    outfile: target,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: banner },
    external: ["pg-native"],
    plugins: inlined.has(name) ? [] : [npmStaysOutside],
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    // V8 keeps the source in memory: comments and blanks go, lines stay short enough for a stack trace to mean something.
    minifyWhitespace: true,
    lineLimit: 120,
    metafile: true,
    logLevel: "warning",
  };
}
