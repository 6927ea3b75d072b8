/**
 * Zero-set-up PostgreSQL: a real server of this machine's own, in a folder, for one user.
 *
 * Promises: the first start makes the cluster (about 1 s), later starts take about 0.1 s; a server that already runs in the
 * folder is used instead of a second one; it listens on 127.0.0.1 only, with a random password in a file of mode 0600; a
 * commit survives a crash (fsync stays on); Ctrl-C at the terminal reaches only the launcher, because the server is detached.
 * It does not back up, upgrade or tune, and it is not for a network of machines: those set DATABASE_URL.
 *
 * Limits: 60 s to start, 30 s to stop, 5 tries for a free port, 200 MB of free disk to begin.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { asUnprivileged, findBinaries, type Binaries } from "./binaries.ts";
import { childEnvironment } from "./env.ts";
import { PostgresStartError, explain } from "./errors.ts";
import { isAlive } from "./is-alive.ts";

const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
const exitTimeoutMs = 1_000;
const connectTimeoutMs = 2_000;
const portTriesMax = 5;
const freeBytesMin = 200_000_000;
const logBytesMax = 5_000_000;
const logTailBytesMax = 4_096;
const superuser = "karvon";

export interface StartPostgresOptions {
  /** Made when absent; holds `data/`, `password` and `server.log`. */
  readonly dir: string;
  /** Made when absent. */
  readonly database: string;
  /** Any free one when absent. A server that is started again keeps its clients with the port it had. */
  readonly port?: number;
  /** Server settings, for example `{ max_connections: "200" }`. Ignored when a running server is reused. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningPostgres {
  /** With user and password; nothing else may print it. */
  readonly url: string;
  readonly port: number;
  /** The postmaster's own process id. */
  readonly pid: number;
  /** True when the server ran before this call. */
  readonly reused: boolean;
  /** Ends the server after open transactions are rolled back. A reused server is left alone unless `evenIfReused`. */
  stop(options?: { readonly evenIfReused?: boolean }): Promise<void>;
}

interface Cluster {
  readonly dir: string;
  readonly data: string;
  readonly log: string;
  readonly password: string;
  readonly binaries: Binaries;
}

export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const cluster = prepareCluster(resolve(options.dir));
  const deadline = Date.now() + startTimeoutMs;
  for (let portTries = 0; ;) {
    const running = await findRunning(cluster);
    if (running !== null) return describe(cluster, running, options.database, true);
    const port = options.port ?? (await findFreePort());
    const outcome = await launch(cluster, port, options.settings ?? {}, deadline);
    if (outcome.kind === "running") return describe(cluster, outcome, options.database, false);
    // Another start in the same folder won the race, and its server answers soon; or a killed server's children are just ending.
    const mustWait = /lock file .* already exists|pre-existing shared memory block/i.test(outcome.output);
    // Somebody took the port between our look and PostgreSQL's bind.
    if (/address already in use|could not bind/i.test(outcome.output)) portTries += 1;
    const mayTryAgain = mustWait || (portTries > 0 && portTries < portTriesMax);
    if (!mayTryAgain || Date.now() > deadline) throw explain("PostgreSQL did not start", outcome.output, cluster.dir);
    await pause(200);
  }
}

/** The server that runs in the folder now, or null: for programs beside the launcher, which must not start one. */
export async function findPostgres(options: StartPostgresOptions): Promise<RunningPostgres | null> {
  const dir = resolve(options.dir);
  if (!existsSync(join(dir, "data", "postmaster.pid"))) return null;
  const cluster = prepareCluster(dir);
  const running = await findRunning(cluster);
  return running === null ? null : describe(cluster, running, options.database, true);
}

function prepareCluster(dir: string): Cluster {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw explain("The database folder cannot be made", String(cause), dir);
  }
  const binaries = findBinaries();
  const data = join(dir, "data");
  const passwordFile = join(dir, "password");
  if (!existsSync(data)) makeCluster(dir, data, passwordFile, binaries);
  return { dir, data, log: join(dir, "server.log"), password: readFileSync(passwordFile, "utf8").trim(), binaries };
}

/** Made beside its final place and renamed when complete: an interrupted first start leaves nothing half-made. */
function makeCluster(dir: string, data: string, passwordFile: string, binaries: Binaries): void {
  const disk = statfsSync(dir);
  if (disk.bavail * disk.bsize < freeBytesMin) throw explain("No disk space", "ENOSPC", dir);
  const fresh = `${data}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  if (!existsSync(passwordFile)) writeFileSync(passwordFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
  const [program, args] = asUnprivileged(binaries.path("initdb"), [
    "-D",
    fresh,
    "-U",
    superuser,
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
  ]);
  const made = spawnSync(program, args, { encoding: "utf8", env: childEnvironment(), timeout: startTimeoutMs });
  if (made.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw explain("The database could not be made", `${made.stdout ?? ""}\n${made.stderr ?? ""}\n${made.error?.message ?? ""}`, dir);
  }
  try {
    renameSync(fresh, data);
  } catch (cause) {
    // Another process finished first: its cluster counts, with the same password file.
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(data)) throw new PostgresStartError(`The database could not be put in place at ${data}.`, { cause });
  }
}

interface Running {
  readonly port: number;
  readonly pid: number;
}

/** The server that runs in this folder, by PostgreSQL's own pid file. A file left by a crash is told apart by connecting. */
async function findRunning(cluster: Cluster): Promise<Running | null> {
  const file = join(cluster.data, "postmaster.pid");
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, "utf8").split("\n");
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!(pid > 0) || !(port > 0)) return null;
  return (await canConnect(urlOf(cluster, port, "postgres"))) ? { pid, port } : null;
}

type LaunchOutcome = (Running & { readonly kind: "running" }) | { readonly kind: "failed"; readonly output: string };

async function launch(
  cluster: Cluster,
  port: number,
  settings: Readonly<Record<string, string>>,
  deadline: number,
): Promise<LaunchOutcome> {
  const logStart = rotateLog(cluster.log);
  const log = openSync(cluster.log, "a", 0o600);
  const flags = Object.entries({ listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings });
  const [program, args] = asUnprivileged(cluster.binaries.path("postgres"), [
    "-D",
    cluster.data,
    "-p",
    String(port),
    ...flags.flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ]);
  const detached = process.platform !== "win32";
  const child = spawn(program, args, { stdio: ["ignore", log, log], env: childEnvironment(), windowsHide: true, detached });
  closeSync(log);
  let ended: string | null = null;
  child.once("error", (cause) => (ended = String(cause)));
  child.once("exit", () => (ended ??= readFrom(cluster.log, logStart)));
  // The server outlives a launcher that crashes; the next start finds and reuses it.
  child.unref();
  while (Date.now() < deadline) {
    if (await canConnect(urlOf(cluster, port, "postgres"))) {
      const running = await findRunning(cluster);
      if (running?.port === port) return { kind: "running", ...running };
    }
    if (ended !== null) return { kind: "failed", output: ended };
    await pause(25);
  }
  child.kill("SIGQUIT");
  return { kind: "failed", output: `no answer after ${startTimeoutMs / 1000} s; see ${cluster.log}` };
}

async function describe(cluster: Cluster, running: Running, database: string, reused: boolean): Promise<RunningPostgres> {
  await ensureDatabase(urlOf(cluster, running.port, "postgres"), database);
  return {
    url: urlOf(cluster, running.port, database),
    port: running.port,
    pid: running.pid,
    reused,
    async stop(options) {
      if (reused && options?.evenIfReused !== true) return;
      await stopServer(cluster, running.pid);
    },
  };
}

async function stopServer(cluster: Cluster, pid: number): Promise<void> {
  if (process.platform === "win32") {
    // Windows has no SIGINT between processes; pg_ctl asks the server through its own channel.
    spawnSync(cluster.binaries.path("pg_ctl"), ["stop", "-D", cluster.data, "-m", "fast", "-w"], {
      env: childEnvironment(),
      timeout: stopTimeoutMs,
    });
    return;
  }
  const pidFile = join(cluster.data, "postmaster.pid");
  signal(pid, "SIGINT");
  const deadline = Date.now() + stopTimeoutMs;
  // The file goes as the server's last act, so its absence means that everything is on disk.
  while (existsSync(pidFile) && isAlive(pid)) {
    if (Date.now() > deadline) {
      signal(pid, "SIGQUIT");
      throw new PostgresStartError(
        `PostgreSQL did not stop within ${stopTimeoutMs / 1000} s and was told to end at once; see ${cluster.log}`,
      );
    }
    await pause(20);
  }
  // The process itself follows within milliseconds. Bounded, because where nobody reaps orphans a dead one stays visible.
  for (const lastLookMs = Date.now() + exitTimeoutMs; isAlive(pid) && Date.now() < lastLookMs;) await pause(5);
}

function signal(pid: number, name: NodeJS.Signals): void {
  if (isAlive(pid)) process.kill(pid, name);
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgresql://${superuser}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

async function canConnect(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  // A server that goes away between two queries emits 'error'; the answer of this function already covers it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ensureDatabase(url: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
  } catch (cause) {
    // 42P04 and 23505: another process made it in between, or is just making it.
    if (!(cause instanceof Error && "code" in cause && (cause.code === "42P04" || cause.code === "23505"))) throw cause;
  } finally {
    await client.end();
  }
}

function findFreePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer().once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? found(address.port) : failed(new Error("no free port"))));
    });
  });
}

/** Two files of at most 5 MB at each start. Answers where in the file this start's words begin. */
function rotateLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size < logBytesMax) return size;
  renameSync(file, `${file}.1`);
  return 0;
}

function readFrom(file: string, start: number): string {
  return existsSync(file) ? readFileSync(file).subarray(start).toString("utf8").slice(-logTailBytesMax) : "";
}
