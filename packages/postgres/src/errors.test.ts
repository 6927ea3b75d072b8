import { expect, test } from "vitest";
import { explain } from "./errors.ts";

test.each([
  [
    "PANIC:  could not write to file: No space left on device",
    "No disk space is left for the database in /d: free at least 200 MB and start again.",
  ],
  [
    "unshare: unshare failed: Operation not permitted",
    "PostgreSQL does not run as root, and this machine forbids user namespaces: start Karvon as a normal user, or set DATABASE_URL.",
  ],
  [
    "Error: spawn unshare ENOENT",
    "PostgreSQL's program does not run on this machine (it needs glibc 2.27 or newer, and `unshare` when root): set DATABASE_URL instead.",
  ],
  ["LOG: a\nFATAL:  something else", "It failed: FATAL:  something else"],
])("%j becomes one sentence", (output, sentence) => {
  const error = explain("It failed", output, "/d");
  expect(error.message).toBe(sentence);
  expect(String(error.cause)).toContain(output.split("\n").at(-1));
});
