/**
 * The checks of `npm run check` catch what they promise to catch: each violation is planted in a copy of the tree, the
 * check's own command runs there, and its output must name the planted file or rule.
 *
 * The copy shares the installed packages through links, but has workspace links of its own.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checks } from "./check.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
let copy = "";

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "karvon-check-"));
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  for (const file of files.split("\0")) {
    if (file === "" || file.startsWith("docs/screenshots/") || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  cpSync(join(root, "packages/db/src/generated"), join(copy, "packages/db/src/generated"), { recursive: true });
  linkPackages();
  execFileSync("git", ["init", "-q"], { cwd: copy });
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function linkPackages(): void {
  const modules = join(copy, "node_modules");
  mkdirSync(join(modules, "@karvon"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@karvon" && name !== "karvon" && name !== ".cache") symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  for (const kind of ["packages", "apps"]) {
    for (const folder of readdirSync(join(copy, kind))) {
      const { name } = JSON.parse(readFileSync(join(copy, kind, folder, "package.json"), "utf8"));
      symlinkSync(join(copy, kind, folder), join(modules, name));
      const own = join(root, kind, folder, "node_modules");
      if (existsSync(own)) symlinkSync(own, join(copy, kind, folder, "node_modules"));
    }
  }
}

function plant(file: string, content: string): void {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), content);
}

function runCheck(name: string): { code: number | null; output: string } {
  const check = checks.find(([title]) => title === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  const [, program, args] = check;
  const done = spawnSync(program, args, { cwd: copy, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" }, maxBuffer: 1 << 26 });
  return { code: done.status, output: done.stdout + done.stderr };
}

/** Plants all files, runs the check once, and expects one finding that names each of them. */
function expectFindings(name: string, planted: readonly (readonly [file: string, content: string, says: RegExp])[]): void {
  for (const [file, content] of planted) plant(file, content);
  const { code, output } = runCheck(name);
  for (const [file] of planted) rmSync(join(copy, file));
  expect(code).not.toBe(0);
  for (const [file, , says] of planted) {
    const around = output.split(/\n(?=\s*(?:error |[x×] ))/).filter((finding) => finding.includes(file));
    expect(around.join("\n"), `${name} says nothing about ${file}`).toMatch(says);
  }
}

describe("npm run check", { timeout: 180_000 }, () => {
  test("catches imports against the table", () => {
    expectFindings("import graph", [
      [
        "packages/wire/src/planted-node.ts",
        'import { createHash } from "node:crypto";\nexport const x = createHash;\n',
        /pure: no node modules/,
      ],
      ["packages/billing/src/planted-npm.ts", 'import { z } from "zod";\nexport const x = z;\n', /pure: no npm packages/],
      [
        "apps/proxy/src/planted-prisma.ts",
        'import { createPrisma } from "@karvon/db";\nexport const x = createPrisma;\n',
        /layer: apps\/proxy/,
      ],
      [
        "apps/proxy/src/planted-react.ts",
        'import { useState } from "react";\nexport const x = useState;\n',
        /data plane has no web framework/,
      ],
      [
        "apps/web/src/ui/planted-service.ts",
        'import { signUp } from "@karvon/services";\nexport const x = signUp;\n',
        /panels reach services only on the server/,
      ],
      ["apps/web/src/ui/planted-socket.ts", 'import { connect } from "node:net";\nexport const x = connect;\n', /panels have no sockets/],
      [
        "packages/services/src/planted-testkit.ts",
        'import { until } from "@karvon/testkit";\nexport const x = until;\n',
        /testkit stays in tests/,
      ],
      [
        "packages/security/src/planted-escape.ts",
        'import { newId } from "../../domain/src/ids.ts";\nexport const x = newId;\n',
        /layer: packages\/security/,
      ],
      [
        "packages/domain/src/planted-one.ts",
        'import { two } from "./planted-two.ts";\nexport const one = (): unknown => two;\n',
        /no cycles/,
      ],
      [
        "packages/domain/src/planted-two.ts",
        'import { one } from "./planted-one.ts";\nexport const two = (): unknown => one;\n',
        /no cycles/,
      ],
      ["packages/postgres/src/planted-undeclared.ts", 'import { z } from "zod";\nexport const x = z;\n', /declared dependencies only/],
    ]);
  });

  test("catches slips that the linter knows", () => {
    const long = `export function long(): number {\n  let n = 0;\n${"  n += 1;\n".repeat(75)}  return n;\n}\n`;
    expectFindings("lint", [
      [
        "packages/tunnel/src/planted-floating.ts",
        "export function x(work: () => Promise<void>): void {\n  work();\n}\n",
        /no-floating-promises/,
      ],
      ["packages/tunnel/src/planted-any.ts", "export const x = (value: any): unknown => value;\n", /no-explicit-any/],
      ["packages/tunnel/src/planted-bang.ts", "export const x = (value: string | null): string => value!;\n", /no-non-null-assertion/],
      ["packages/tunnel/src/planted-default.ts", "export default 1;\n", /no-default-export/],
      ["packages/tunnel/src/planted-console.ts", 'export const x = (): void => console.log("x");\n', /no-console/],
      ["packages/tunnel/src/planted-env.ts", 'export const x = process.env["HOME"];\n', /no-process-env/],
      ["packages/tunnel/src/planted-long.ts", long, /max-lines-per-function/],
      [
        "packages/tunnel/src/planted-switch.ts",
        'export function x(v: "a" | "b"): void {\n  switch (v) {\n    case "a":\n      break;\n  }\n}\n',
        /switch-exhaustiveness-check/,
      ],
      ["packages/tunnel/src/planted-as.ts", "export const x = (value: unknown): string => value as string;\n", /no-unsafe-type-assertion/],
      ["packages/tunnel/src/planted-protocol.ts", 'import { join } from "path";\nexport const x = join;\n', /prefer-node-protocol/],
      [
        "packages/services/src/planted-audit.ts",
        'import { transact } from "./transaction.ts";\nexport const x = (ctx: Parameters<typeof transact>[0]): Promise<number> => transact(ctx, (tx) => tx.db.user.count());\n',
        /leaves no audit row/,
      ],
    ]);
  });

  test("catches a wrong type", () => {
    plant("packages/domain/src/planted-type.ts", 'export const x: number = "one";\n');
    const { code, output } = runCheck("types");
    rmSync(join(copy, "packages/domain/src/planted-type.ts"));
    expect(code).not.toBe(0);
    expect(output).toContain("packages/domain/src/planted-type.ts(1,14): error TS2322");
  });

  test("catches an unformatted file", () => {
    plant("packages/domain/src/planted-format.ts", "export const x = {a:1 ,b :2}\n");
    const { code, output } = runCheck("format");
    rmSync(join(copy, "packages/domain/src/planted-format.ts"));
    expect(code).not.toBe(0);
    expect(output).toContain("planted-format.ts");
  });

  test("catches dead code: a file, an export and a dependency that nobody uses", () => {
    plant("packages/tunnel/src/planted-orphan.ts", "export const x = 1;\n");
    appendFileSync(join(copy, "packages/tunnel/src/codes.ts"), "export const plantedExport = 1;\n");
    const manifest = readFileSync(join(copy, "packages/postgres/package.json"), "utf8");
    plant("packages/postgres/package.json", manifest.replace('"pg":', '"ipaddr.js": "2.5.0",\n    "pg":'));
    const { code, output } = runCheck("dead code");
    rmSync(join(copy, "packages/tunnel/src/planted-orphan.ts"));
    plant("packages/postgres/package.json", manifest);
    expect(code).not.toBe(0);
    expect(output).toContain("packages/tunnel/src/planted-orphan.ts");
    expect(output).toContain("plantedExport");
    expect(output).toMatch(/ipaddr\.js\s+packages\/postgres\/package\.json/);
  });

  test("catches a panel library in a data plane program", () => {
    const main = readFileSync(join(copy, "apps/proxy/src/main.ts"), "utf8");
    plant("apps/proxy/src/main.ts", `import "react";\n${main}`);
    const { code, output } = runCheck("data plane bundles");
    plant("apps/proxy/src/main.ts", main);
    expect(code).not.toBe(0);
    expect(output).toMatch(/apps\/proxy contains .*node_modules\/react\//);
  });

  test("catches documents that no longer fit the tree", () => {
    const errors = readFileSync(join(copy, "docs/errors.md"), "utf8");
    plant("docs/errors.md", errors.replace("## auth_missing", "## auth_mising"));
    plant(
      "docs/planted.md",
      'See `packages/domain/src/nowhere.ts` and [this](nowhere.md).\n`packages/wire/src/lengths.test.ts`: "a promise"\n',
    );
    const { code, output } = runCheck("document references");
    plant("docs/errors.md", errors);
    rmSync(join(copy, "docs/planted.md"));
    expect(code).not.toBe(0);
    for (const said of [
      "docs/planted.md:1 names packages/domain/src/nowhere.ts, which does not exist",
      "docs/planted.md:1 links to nowhere.md, which does not exist",
      "docs/planted.md:2 quotes a test of packages/wire/src/lengths.test.ts that is not there: a promise",
      "docs/errors.md has no heading for auth_missing",
      "docs/errors.md describes auth_mising, which no table holds",
    ]) {
      expect(output).toContain(said);
    }
  });

  test("catches a lock file that is not for every platform", () => {
    const path = "package-lock.json";
    const lock = readFileSync(join(copy, path), "utf8");
    const changed = JSON.parse(lock);
    const lost = Object.keys(changed.packages).find((name) => name.endsWith("node_modules/@esbuild/darwin-arm64")) ?? "";
    delete changed.packages[lost];
    plant(path, JSON.stringify(changed));
    const { code, output } = runCheck("lock file");
    plant(path, lock);
    expect(code).not.toBe(0);
    expect(output).toContain("missing: @esbuild/darwin-arm64@");
  });

  test("catches workspaces that disagree about a version", () => {
    const path = "packages/testkit/package.json";
    const manifest = readFileSync(join(copy, path), "utf8");
    plant(path, manifest.replace(/"pg": "[^"]+"/, '"pg": "8.0.0"'));
    const { code, output } = runCheck("workspaces");
    plant(path, manifest);
    expect(code).not.toBe(0);
    expect(output).toContain("pg");
  });
});
