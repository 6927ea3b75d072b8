/** Runs the real curl and tells what it moved. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

const curlTimeoutMs = 60_000;

export interface CurlResult {
  readonly exitCode: number;
  readonly httpCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function curl(...args: readonly string[]): Promise<CurlResult> {
  return finish("curl", ["-sS", "-w", "\n%{http_code}", ...args]);
}

function finish(command: string, args: readonly string[]): Promise<CurlResult> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: curlTimeoutMs, maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
      const at = stdout.lastIndexOf("\n");
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, httpCode: Number(stdout.slice(at + 1)), stdout: stdout.slice(0, at), stderr });
    });
  });
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Runs a curl command line in a POSIX shell exactly as it was printed, with `extra` words behind it. */
export function runCurlLine(line: string, extra: readonly string[]): Promise<CurlResult> {
  return finish("sh", ["-c", `${line} "$@" -w '\n%{http_code}'`, "sh", ...extra]);
}
