/** Runs the real agent command as an owner would: enrol once, then run until stopped. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./platform.ts";

const command = join(root, "apps/agent/bin/karvon-agent.mjs");
const enrolTimeoutMs = 30_000;

export interface Agent {
  /** Asks it to stop, as Ctrl-C does, and waits until it is gone. */
  stop(): Promise<void>;
  readonly output: () => string;
}

export async function enrolAndRun(enrolmentCode: string, options: { address: string; egressAllow: string }): Promise<Agent> {
  const data = mkdtempSync(join(tmpdir(), "karvon-agent-"));
  const shared = ["--data", data, "--proxy-protocol-source", options.address];
  await new Promise<void>((resolve, reject) => {
    execFile(
      process.execPath,
      [command, "enroll", enrolmentCode, "--accept-consent", ...shared],
      { timeout: enrolTimeoutMs },
      (error, stdout, stderr) => (error === null ? resolve() : reject(new Error(`enrol failed: ${stdout}\n${stderr}`))),
    );
  });
  const node = spawn(
    process.execPath,
    [command, "run", "--battery", "80", "--network", "wifi", "--egress-allow", options.egressAllow, ...shared],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  return { stop: () => stop(node, data), output: collect(node) };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => void (text = (text + chunk.toString("utf8")).slice(-8000)));
  return () => text;
}

async function stop(child: ChildProcess, data: string): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill("SIGINT");
    await ended;
  }
  rmSync(data, { recursive: true, force: true });
}
