/** The product with one rule taken out of it: in a test database's function, or in a copy of a package's source. */
import type { Fixtures } from "@karvon/testkit";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StreamClass } from "./simulated-stream.ts";

export type Mutation = readonly [from: RegExp, to: string];

/** Rejects when the function does not say what is to be taken out of it. */
export async function mutateFunction({ pool }: Fixtures, name: string, mutations: readonly Mutation[]): Promise<void> {
  const { rows } = await pool.query<{ body: string }>("SELECT pg_get_functiondef($1::regproc) AS body", [name]);
  await pool.query(mutate(name, rows[0]?.body ?? "", mutations));
}

const root = fileURLToPath(new URL("../../../../../", import.meta.url));

/** The streams of the tunnel out of a changed copy of it. The copy lies in the repository, where its imports are found. */
export async function mutateStream(mutations: readonly Mutation[]): Promise<StreamClass> {
  mkdirSync(join(root, "test-results"), { recursive: true });
  const folder = mkdtempSync(join(root, "test-results", "mutant-"));
  try {
    cpSync(join(root, "packages/tunnel/src"), folder, { recursive: true });
    const path = join(folder, "stream.ts");
    writeFileSync(path, mutate(path, readFileSync(path, "utf8"), mutations));
    const { MuxStream } = (await import(path)) as { readonly MuxStream: StreamClass };
    return MuxStream;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mutate(name: string, text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce((changed, [from, to]) => {
    const next = changed.replace(from, to);
    if (next === changed) throw new Error(`${name} does not say ${String(from)}: the mutant would be the product`);
    return next;
  }, text);
}
