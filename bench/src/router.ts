/** Work "router": the router's own micro-benchmark, a program of its own that prints one JSON line. Limit: 10 minutes. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BenchError } from "./build-load.ts";
import { readObject, type JsonObject } from "./json.ts";
import type { SpecialContext } from "./special.ts";

const script = join(import.meta.dirname, "..", "..", "scripts", "bench-router.mjs");
const timeoutMs = 600_000;
const outputBytesMax = 1_000_000;

export async function measureRouter(context: SpecialContext): Promise<void> {
  if (!existsSync(script)) {
    context.say("router is left out: scripts/bench-router.mjs is missing");
    return;
  }
  context.say("the router alone, without sockets");
  context.onRun({ peer: "karvon", work: "router", repetition: 0, at: new Date().toISOString(), result: await run() });
}

function run(): Promise<JsonObject> {
  return new Promise((done, failed) => {
    execFile(process.execPath, [script], { timeout: timeoutMs, maxBuffer: outputBytesMax }, (cause, stdout, stderr) => {
      try {
        done(readObject(stdout));
      } catch {
        failed(new BenchError(`The router's benchmark printed no result: ${stderr.trim() || (cause?.message ?? "it ended")}`));
      }
    });
  });
}
