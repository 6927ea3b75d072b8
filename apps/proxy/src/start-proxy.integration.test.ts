import { createTestDatabase, openFixtures, until } from "@karvon/testkit";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startProxy } from "./start-proxy.ts";
import { freePort } from "./test/free-port.ts";
import { dial } from "./test/raw-client.ts";
import { makeProxyOptions } from "./test/rig.ts";

/** The youngest first. */
const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function takePort(): Promise<number> {
  const other = createServer();
  closers.push(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const address = other.address();
  if (address === null || typeof address === "string") throw new Error("the other program has no port");
  return address.port;
}

test("a gateway that cannot have its last port leaves nothing open behind it", async () => {
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const { pool, close } = openFixtures(database.url);
  closers.push(close);
  const ports = { opsPort: await freePort(), proxyPort: await freePort(), tunnelPort: await takePort() };
  const directory = mkdtempSync(join(tmpdir(), "karvon-start-"));
  closers.push(() => rmSync(directory, { recursive: true }));
  const options = { ...makeProxyOptions(database.url, () => undefined), ...ports, journal: { mode: "turn" as const, directory } };
  await expect(startProxy(options)).rejects.toThrow(/EADDRINUSE/);
  await expect(dial(ports.opsPort)).rejects.toThrow(/ECONNREFUSED/);
  await expect(dial(ports.proxyPort)).rejects.toThrow(/ECONNREFUSED/);
  await until(async () => {
    const others = await pool.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
    return others.rowCount === 0;
  });
  const left = readdirSync(join(directory, options.identity.id)).filter((name) => name.endsWith(".log"));
  expect(left).toEqual([]);
});
