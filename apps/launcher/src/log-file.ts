/**
 * A log file with a bound: at 10 MB it becomes `name.log.1` (which replaces the one before), so a log takes 20 MB at most.
 * It also remembers its last lines, for the sentence that says why a program failed.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

const fileBytesMax = 10_000_000;
const tailCharactersMax = 4_000;

export interface LogFile {
  readonly path: string;
  write(chunk: Buffer): void;
  /** The end of what was written in this run, at most `lines` lines. */
  tail(lines: number): string;
  close(): void;
}

export function openLogFile(path: string): LogFile {
  let file = openSync(path, "a", 0o600);
  let bytes = fstatSync(file).size;
  let recent = "";
  return {
    path,
    write(chunk) {
      recent = (recent + chunk.toString("utf8")).slice(-tailCharactersMax);
      if (bytes > 0 && bytes + chunk.length > fileBytesMax) {
        closeSync(file);
        renameSync(path, `${path}.1`);
        file = openSync(path, "a", 0o600);
        bytes = 0;
      }
      writeSync(file, chunk);
      bytes += chunk.length;
    },
    tail: (lines) => recent.trimEnd().split("\n").slice(-lines).join("\n"),
    close: () => closeSync(file),
  };
}
