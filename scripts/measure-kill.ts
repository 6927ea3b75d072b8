/**
 * Kills the gateway with SIGKILL in the middle of a download and compares what the client received with what was billed.
 *
 *   node --import tsx scripts/measure-kill.ts [data folder] [megabytes]
 *
 * Needs the demo running (`npm start`). Prints one JSON line. The launcher brings the gateway back; the figure is
 * read once the restarted gateway answers and one flush interval has passed.
 */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [dataDir = ".karvon", megabytes = "100"] = process.argv.slice(2);
const restartTimeoutMs = 60_000;
const flushIntervalMs = 5_000;

interface Ready {
  readonly proxy: { readonly host: string; readonly port: number };
  readonly opsUrl: string;
  readonly echoUrl: string;
  readonly proxyUser: { readonly username: string; readonly password: string };
  readonly pids: { readonly proxy: number };
}
const readReady = (): Ready => JSON.parse(readFileSync(join(dataDir, "ready.json"), "utf8")) as Ready;

interface SessionRow {
  readonly id: string;
  readonly targetHost: string;
  readonly openedAt: string;
  readonly upBytes: string | number;
  readonly downBytes: string | number;
}
function listSessions(): readonly SessionRow[] {
  const out = execFileSync("npx", ["karvon", "sessions", "--json"], {
    env: { ...process.env, KARVON_DATA_DIR: dataDir },
    encoding: "utf8",
  });
  const parsed = JSON.parse(out) as readonly SessionRow[] | { readonly items: readonly SessionRow[] };
  return "items" in parsed ? parsed.items : parsed;
}

const before = readReady();
const known = new Set(listSessions().map((row) => row.id));
const totalBytes = Number(megabytes) * 1_000_000;
const target = new URL(`/bytes?n=${totalBytes}`, before.echoUrl).href;
const { username, password } = before.proxyUser;
const client = spawn(
  "curl",
  ["-sS", "--proxytunnel", "--limit-rate", "20M", "-x", `http://${username}:${password}@${before.proxy.host}:${before.proxy.port}`, target],
  { stdio: ["ignore", "pipe", "ignore"] },
);
let receivedBytes = 0;
let isKilled = false;
client.stdout.on("data", (chunk: Buffer) => {
  receivedBytes += chunk.length;
  if (!isKilled && receivedBytes > totalBytes / 2) {
    isKilled = true;
    process.kill(before.pids.proxy, "SIGKILL");
  }
});
await new Promise((done) => client.once("close", done));

const deadlineMs = Date.now() + restartTimeoutMs;
const restartedAfter = Date.now();
for (;;) {
  if (Date.now() > deadlineMs) throw new Error(`the gateway was not back in ${restartTimeoutMs} ms`);
  const now = readReady();
  const isBack =
    now.pids.proxy !== before.pids.proxy &&
    (await fetch(new URL("/readyz", now.opsUrl)).then(
      (r) => r.ok,
      () => false,
    ));
  if (isBack) break;
  await new Promise((done) => setTimeout(done, 100));
}
const restartMs = Date.now() - restartedAfter;
await new Promise((done) => setTimeout(done, flushIntervalMs + 2_000));

const billed = listSessions().filter((row) => !known.has(row.id));
const billedDownBytes = billed.reduce((sum, row) => sum + Number(row.downBytes), 0);
process.stdout.write(
  `${JSON.stringify({ figure: "gateway killed mid-transfer", receivedBytes, billedDownBytes, unbilledBytes: Math.max(0, receivedBytes - billedDownBytes), sessions: billed.length, restartMs })}\n`,
);
