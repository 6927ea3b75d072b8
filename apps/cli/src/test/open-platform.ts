/** A database and a data folder as a running platform leaves them, and commands typed at it. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyPath, readSettings, secretNames } from "@karvon/settings";
import { createTestDatabase, openFixtures, type Fixtures } from "@karvon/testkit";
import { generate } from "selfsigned";
import { expect } from "vitest";
import { connect } from "../connect.ts";
import { run } from "../run.ts";

export interface Typed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Platform {
  readonly fixtures: Fixtures;
  readonly dataDir: string;
  readonly databaseUrl: string;
  typed(...args: string[]): Promise<Typed>;
  /** With --json; fails when the command does. */
  json(...args: string[]): Promise<unknown>;
  close(): Promise<void>;
}

export async function openPlatform(): Promise<Platform> {
  const database = await createTestDatabase();
  const fixtures = openFixtures(database.url);
  const dataDir = mkdtempSync(join(tmpdir(), "karvon-cli-"));
  mkdirSync(join(dataDir, "keys"));
  for (const name of secretNames) writeFileSync(keyPath(dataDir, name), randomBytes(32).toString("base64url"));
  const identity = await generate([{ name: "commonName", value: "test" }], { keyType: "ec", curve: "P-256" });
  writeFileSync(keyPath(dataDir, "tunnel-key.pem"), identity.private);
  writeFileSync(keyPath(dataDir, "tunnel-cert.pem"), identity.cert);
  async function typed(...args: string[]): Promise<Typed> {
    const said = { out: "", err: "" };
    const terminal = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) };
    const settings = readSettings({ DATABASE_URL: database.url, KARVON_DATA_DIR: dataDir });
    return { code: await run(args, terminal, () => connect(settings)), ...said };
  }
  return {
    fixtures,
    dataDir,
    databaseUrl: database.url,
    typed,
    async json(...args) {
      const { code, out, err } = await typed(...args, "--json");
      expect({ code, err }).toEqual({ code: 0, err: "" });
      return JSON.parse(out);
    },
    async close() {
      await fixtures.close();
      await database.drop();
      rmSync(dataDir, { recursive: true });
    },
  };
}
