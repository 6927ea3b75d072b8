// A second lock on the import table: what really ends up in the data plane's programs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleOptions } from "./bundle-options.mjs";

const root = process.cwd();
const banned =
  /(^|\/)node_modules\/(next|next-auth|react|react-dom|@trpc|@prisma|prisma|@tanstack|superjson|zod\/v3)\/|packages\/(services|api)\/|packages\/db\/src\/(generated|index)/;
const bytesMax = { proxy: 3_000_000, agent: 2_000_000, demo: 3_000_000 };

const problems = [];
const sizes = [];
for (const [name, limit] of Object.entries(bytesMax)) {
  const directory = join(root, "apps", name);
  const options = existsSync(directory) ? bundleOptions(directory) : null;
  if (options === null) {
    problems.push(`apps/${name} has no program to bundle`);
    continue;
  }
  const { metafile, outputFiles } = await build({ ...options, write: false });
  // One character beyond Latin-1 and V8 keeps the whole source at two bytes a character for the life of the process.
  const wide = /[^\p{ASCII}\u0080-\u00ff]/u.exec(outputFiles.find(({ path }) => path.endsWith(".mjs"))?.text ?? "");
  if (wide !== null) problems.push(`apps/${name} contains ${JSON.stringify(wide[0])}, which is not Latin-1; write it as an escape`);
  for (const input of Object.keys(metafile.inputs)) if (banned.test(input)) problems.push(`apps/${name} contains ${input}`);
  const bytes = Object.entries(metafile.outputs).find(([path]) => path.endsWith(".mjs"))?.[1].bytes ?? 0;
  sizes.push(`${name} ${Math.round(bytes / 1000)} kB`);
  if (bytes > limit) problems.push(`apps/${name} is ${bytes} bytes; the limit is ${limit}`);
}
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`the data plane's programs hold no panel code (${sizes.join(", ")})`);
