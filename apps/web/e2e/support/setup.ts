/** Starts the whole platform with the command that a newcomer types, on ports that are free, and stops it after the tests. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOrigin } from "./origin.ts";
import { dataDir, firstAdminEmail, originFile, root } from "./platform.ts";

const startTimeoutMs = 240_000;
const stopTimeoutMs = 30_000;

export default async function setup(): Promise<() => Promise<void>> {
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const origin = await startOrigin();
  writeFileSync(originFile, JSON.stringify({ httpPort: origin.httpPort, httpsPort: origin.httpsPort, controlPort: origin.controlPort }));
  const log = createWriteStream(join(dataDir, "start.log"));
  const platform = spawn(process.execPath, ["scripts/start.mjs"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      KARVON_DATA_DIR: dataDir,
      KARVON_PANEL_PORT: "0",
      KARVON_PROXY_PORT: "0",
      KARVON_TUNNEL_PORT: "0",
      KARVON_OPS_PORT: "0",
      KARVON_DEMO: "1",
      KARVON_ADMIN_EMAIL: firstAdminEmail,
      KARVON_EGRESS_ALLOW: `127.0.0.1:${origin.httpPort},127.0.0.1:${origin.httpsPort}`,
    },
  });
  let tail = "";
  for (const stream of [platform.stdout, platform.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log.write(chunk);
      tail = (tail + chunk.toString("utf8")).slice(-4000);
    });
  }
  await ready(platform, () => tail);
  return async () => {
    await stop(platform);
    await origin.close();
    log.end();
  };
}

async function ready(platform: ChildProcess, tail: () => string): Promise<void> {
  const deadlineMs = Date.now() + startTimeoutMs;
  while (!existsSync(join(dataDir, "ready.json"))) {
    if (platform.exitCode !== null) throw new Error(`the platform ended with ${platform.exitCode}:\n${tail()}`);
    if (Date.now() > deadlineMs) throw new Error(`the platform was not ready in ${startTimeoutMs} ms:\n${tail()}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function stop(platform: ChildProcess): Promise<void> {
  if (platform.exitCode !== null) return;
  const ended = new Promise<void>((done) => platform.once("exit", () => done()));
  platform.kill("SIGTERM");
  const killer = setTimeout(() => platform.kill("SIGKILL"), stopTimeoutMs);
  await ended;
  clearTimeout(killer);
}
