/** Runs a program of the system to its end. One that is missing fails with the name of its Debian package. */
import { spawn } from "node:child_process";

export interface ProgramResult {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Buffer;
  /** 60,000 when left out; then the program is killed. */
  readonly timeoutMs?: number;
}

/** Debian package by program. `npm test` installs them where it may. */
const packages: Readonly<Record<string, string>> = {
  curl: "curl",
  wget: "wget",
  aria2c: "aria2",
  "/usr/bin/python3": "python3-requests, python3-socks, python3-httpx and python3-socksio",
  go: "golang-go",
  java: "default-jdk-headless",
  proxychains4: "proxychains4",
  socat: "socat",
};

export function runProgram(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    // Nothing of this machine's own proxy settings may lead a client elsewhere.
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "/tmp",
      LANG: "C.UTF-8",
      NODE_ENV: "test" as const,
      ...options.env,
    };
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env, timeout: options.timeoutMs ?? 60_000 });
    const out: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input);
    child.on("error", () => {
      reject(new Error(`${program} does not run here: install the Debian package ${packages[program] ?? program} and start again.`));
    });
    child.on("close", (exitCode) => resolve({ exitCode, stdout: Buffer.concat(out), stderr }));
  });
}

/** Standard output of a program that ended well; everything that it said otherwise. */
export async function outputOf(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await runProgram(program, args, options);
  if (exitCode === 0) return stdout;
  const module = /No module named '(\w+)'/.exec(stderr)?.[1];
  if (module !== undefined)
    throw new Error(`Python has no module ${module}: install the Debian package python3-${module} and start again.`);
  throw new Error(`${program} ended with ${exitCode}: ${stderr.slice(-2_000)} ${stdout.toString().slice(-500)}`);
}
