/**
 * Asks running gateway processes what bench/hooks/gateway-hook.mjs can tell. Only a Karvon that was started with
 * `hookEnvironment` answers. Limits: 20 s an answer, one question at a time.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { BenchError } from "./build-load.ts";
import { readObject, textAt, type JsonObject } from "./json.ts";

const answerTimeoutMs = 20_000;
const pollMs = 50;

export interface GatewayHook {
  /** For startKarvon. */
  readonly environment: Readonly<Record<string, string>>;
  /** One answer for each process. */
  ask(pids: readonly number[], name: "collect" | "start" | "stop"): Promise<readonly JsonObject[]>;
  close(): void;
}

export function openGatewayHook(): GatewayHook {
  const folder = mkdtempSync(join(tmpdir(), "karvon-bench-hook-"));
  const script = pathToFileURL(join(import.meta.dirname, "..", "hooks", "gateway-hook.mjs")).href;
  let number = 0;
  return {
    environment: { NODE_OPTIONS: `--import ${script}`, BENCH_HOOK_DIR: folder },
    async ask(pids, name) {
      number += 1;
      writeFileSync(join(folder, "command"), JSON.stringify({ name, number }));
      for (const pid of pids) process.kill(pid, "SIGUSR2");
      return Promise.all(pids.map((pid) => readAnswer(join(folder, `${pid}.${number}.json`), name)));
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function readAnswer(file: string, name: string): Promise<JsonObject> {
  const deadlineMs = performance.now() + answerTimeoutMs;
  while (!existsSync(file)) {
    if (performance.now() > deadlineMs) throw new BenchError(`The gateway did not answer to "${name}".`);
    await pause(pollMs);
  }
  const answer = readObject(readFileSync(file, "utf8"));
  const error = textAt(answer, ["error"]);
  if (error !== undefined) throw new BenchError(`The gateway could not "${name}": ${error}`);
  return answer;
}
