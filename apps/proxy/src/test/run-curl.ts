/** The real curl, with what it wrote, how it ended and what it counted. */
import { spawn } from "node:child_process";

export interface CurlResult {
  readonly exitCode: number;
  readonly body: Buffer;
  readonly stderr: string;
  /** Status of the last answer, and of the proxy's CONNECT. */
  readonly status: number;
  readonly connectStatus: number;
  readonly sizes: { readonly request: number; readonly upload: number; readonly header: number; readonly download: number };
}

const marker = "\n--karvon--";
const format = `${marker}%{http_code} %{http_connect} %{size_request} %{size_upload} %{size_header} %{size_download}`;

export function runCurl(args: readonly string[], input?: Buffer): Promise<CurlResult> {
  return new Promise((resolve, reject) => {
    const curl = spawn("curl", ["-sS", "--max-time", "30", "-w", format, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let stderr = "";
    curl.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    curl.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    curl.stdin.on("error", () => undefined);
    curl.stdin.end(input);
    curl.on("error", () => reject(new Error("curl does not run here: install the Debian package curl and start again.")));
    curl.on("close", (exitCode) => {
      const all = Buffer.concat(out);
      const at = all.lastIndexOf(marker);
      const [status, connectStatus, request, upload, header, download] = all
        .subarray(at + marker.length)
        .toString()
        .split(" ")
        .map(Number);
      resolve({
        exitCode: exitCode ?? -1,
        body: all.subarray(0, at),
        stderr,
        status: status ?? 0,
        connectStatus: connectStatus ?? 0,
        sizes: { request: request ?? 0, upload: upload ?? 0, header: header ?? 0, download: download ?? 0 },
      });
    });
  });
}
