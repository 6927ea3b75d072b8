// Four promises of the documents: every path of this repository that a Markdown file or a comment's backticks name exists,
// every relative link leads somewhere, every test that is quoted by its title is in its file, and docs/errors.md has a
// heading for every refusal code and no other.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = process.cwd();
const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
const markdown = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md").filter((file) => existsSync(join(root, file)));
// Only names that begin like a path of ours; `packages/*` and `src/…` are patterns, not paths.
const cited = /`((?:apps|packages|scripts|docs|prisma|bench|\.ci)\/[\w./@-]+)`/g;
/** `file`: "title", the title as the source writes it. */
const quoted = /`([\w./@-]+\.test\.ts)`: "([^"]+)"/g;
const links = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

const problems = [];
for (const file of markdown) {
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .forEach((line, index) => {
      const at = `${file}:${index + 1}`;
      for (const [, path] of line.matchAll(cited)) {
        const isMade = /(^|\/)(dist|node_modules|generated|\.next)(\/|$)/.test(path);
        if (!isMade && !existsSync(join(root, path))) problems.push(`${at} names ${path}, which does not exist`);
      }
      for (const [, path, title] of line.matchAll(quoted)) {
        const source = existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
        const isThere = ['"', "`"].some((mark) => source.includes(`${mark}${title}${mark}`));
        if (!isThere) problems.push(`${at} quotes a test of ${path} that is not there: ${title}`);
      }
      for (const [, path] of line.matchAll(links)) {
        if (!existsSync(join(root, dirname(file), decodeURIComponent(path)))) problems.push(`${at} links to ${path}, which does not exist`);
      }
    });
}

// The table is read as text: this check needs no build and no TypeScript runtime.
const table = readFileSync(join(root, "packages/domain/src/errors.ts"), "utf8");
const rows = table.slice(table.indexOf("PROXY_ERRORS = {"), table.indexOf("} as const satisfies Record<string, ProxyRefusalFacts>"));
const codes = new Set([...rows.matchAll(/^ {2}(\w+): \{/gm)].map(([, code]) => code));
const errorsFile = join(root, "docs/errors.md");
const headings = new Set(
  existsSync(errorsFile) ? [...readFileSync(errorsFile, "utf8").matchAll(/^## ([a-z]\w*)$/gm)].map(([, code]) => code) : [],
);
if (codes.size < 10) problems.push("packages/domain/src/errors.ts: the table of refusal codes was not found");
for (const code of codes) if (!headings.has(code)) problems.push(`docs/errors.md has no heading for ${code}`);
for (const code of headings) if (!codes.has(code)) problems.push(`docs/errors.md describes ${code}, which no table holds`);

if (problems.length > 0) {
  console.error(`${problems.length} references are wrong:\n${problems.join("\n")}`);
  process.exit(1);
}
console.log(`${markdown.length} documents and ${codes.size} error codes agree with the tree`);
