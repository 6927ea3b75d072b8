import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDataFolder, writeFileAtomically } from "./data-folder.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "karvon-data-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("openDataFolder", () => {
  test("makes the sub-folders readable by the owner only", () => {
    const folder = openDataFolder(join(dir, "data"));
    for (const name of ["keys", "logs", "demo", "mail"]) expect(statSync(folder.path(name)).mode & 0o777).toBe(0o700);
    folder.release();
  });

  test("refuses a second launcher and names the process that holds the folder", () => {
    const other = spawn(process.execPath, ["-e", "/* launcher */ setTimeout(() => {}, 30_000)"]);
    try {
      writeFileSync(join(dir, "launcher.lock"), String(other.pid));
      expect(() => openDataFolder(dir)).toThrow(`(process ${other.pid}); stop it first, or set KARVON_DATA_DIR`);
    } finally {
      other.kill("SIGKILL");
    }
  });

  test("takes over the lock of a launcher that is gone", () => {
    writeFileSync(join(dir, "launcher.lock"), "999999999");
    openDataFolder(dir).release();
    expect(() => readFileSync(join(dir, "launcher.lock"))).toThrow("ENOENT");
  });

  test("gives up at once where no folder can be made, and says so", () => {
    expect(() => openDataFolder("/proc/karvon/data")).toThrow(/cannot be made; set KARVON_DATA_DIR/);
  });

  test("says in one sentence that the folder cannot be made", () => {
    writeFileSync(join(dir, "file"), "");
    expect(() => openDataFolder(join(dir, "file", "data"))).toThrow(/cannot be made; set KARVON_DATA_DIR/);
  });
});

describe("writeFileAtomically", () => {
  test("replaces a file and leaves it to the owner only", () => {
    const path = join(dir, "ready.json");
    writeFileAtomically(path, "one");
    writeFileAtomically(path, "two");
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
