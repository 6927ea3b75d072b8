import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLogFile } from "./log-file.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "karvon-log-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("openLogFile", () => {
  test("moves a full file aside and keeps both under 10 MB", () => {
    const path = join(dir, "proxy.log");
    const log = openLogFile(path);
    const chunk = Buffer.alloc(1_000_000, "x");
    for (let i = 0; i < 25; i += 1) log.write(chunk);
    log.close();
    expect(statSync(path).size).toBe(5_000_000);
    expect(statSync(`${path}.1`).size).toBe(10_000_000);
  });

  test("appends to the log of the run before and tells only the lines of this one", () => {
    const path = join(dir, "web.log");
    const first = openLogFile(path);
    first.write(Buffer.from("old\n"));
    first.close();
    const second = openLogFile(path);
    second.write(Buffer.from("one\ntwo\nthree\n"));
    second.close();
    expect(readFileSync(path, "utf8")).toBe("old\none\ntwo\nthree\n");
    expect(second.tail(2)).toBe("two\nthree");
  });
});
