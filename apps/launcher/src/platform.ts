/**
 * Starts every part of the platform in order and stops it in the opposite order, losing nothing:
 * the panels and the demo first, then the gateway (whose last act is its final flush), the mailbox, and PostgreSQL last.
 *
 * A gateway or panel process that crashes is started again (service.ts has the bounds); when one crashes too often,
 * `onFatal` says so and the caller stops the rest.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readProxyTls, type Settings } from "@karvon/settings";
import { childEnvironment, withoutPayments, type ResolvedFacts } from "./child-environment.ts";
import { openDataFolder, type DataFolder } from "./data-folder.ts";
import { type Gateways, startGateways } from "./gateways.ts";
import { openLogFile } from "./log-file.ts";
import { startMailbox, type Mailbox } from "./mailbox/start-mailbox.ts";
import { makeKeys } from "./make-keys.ts";
import { openDatabase, type PlatformDatabase } from "./open-database.ts";
import { openPortFinder } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { startReconciliation, type Reconciliation } from "./reconcile.ts";
import { removeReadyFile, writeReadyFile, type ReadyFacts } from "./ready-file.ts";
import { migrateData, prepareAccounts, type PreparedData } from "./seed.ts";
import { forkProgram, startService, type Service, type ServiceOptions } from "./service.ts";
import { startUpkeep, type Upkeep } from "./upkeep.ts";

/** The checkout; the same from `src/` and from `dist/`. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));
/**
 * A young generation of 4 MB lets few objects live to be old, and idles as small as one of 1 MB. Read buffers count as external
 * memory: without room in old space V8 answers every 32 MB of traffic with a full collection.
 */
const gatewayNodeArguments = ["--max-semi-space-size=4", "--initial-old-space-size=64"];
const stopTimeoutsMs = { web: 16_000, demo: 5_000, proxy: 30_000 };

export interface Platform {
  readonly ready: ReadyFacts;
}

export interface PlatformRun {
  /** Starts everything; rejects with a StartError. What was started stays until stop(). */
  start(): Promise<Platform>;
  /** Replaces the gateway processes one after the other; nobody is refused. Never rejects: what fails is said. */
  restartGateways(): Promise<void>;
  /** Stops what runs, in order. `now` kills the programs instead of asking; PostgreSQL is always asked. */
  stop(now?: boolean): Promise<void>;
}

export interface PlatformOptions {
  readonly settings: Settings;
  readonly environment: NodeJS.ProcessEnv;
  readonly progress: Progress;
  onFatal(reason: string): void;
}

type ServiceName = "proxy" | "web" | "demo";
const names: Readonly<Record<ServiceName, string>> = { proxy: "the gateway", web: "the panels", demo: "the demo" };

interface Parts {
  folder?: DataFolder;
  database?: PlatformDatabase;
  mailbox?: Mailbox;
  upkeep?: Upkeep;
  reconciliation?: Reconciliation;
  gateways?: Gateways;
  readonly services: Partial<Record<Exclude<ServiceName, "proxy">, Service>>;
  /** Writes ready.json; does nothing until everything serves. */
  publish(): void;
}

export function createPlatform(options: PlatformOptions): PlatformRun {
  const parts: Parts = { services: {}, publish: () => undefined };
  const abort = new AbortController();
  let starting: Promise<Platform> | undefined;
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    // What is half started comes to its end first, so that nothing starts behind our back.
    await starting?.catch(() => undefined);
    await stop(options, parts);
  };
  return {
    start() {
      starting = start(options, parts, abort.signal);
      return starting;
    },
    async restartGateways() {
      if (parts.gateways === undefined || stopping !== undefined) return;
      options.progress.say("replacing the gateway");
      try {
        await parts.gateways.restart();
        options.progress.say("the gateway is replaced");
      } catch (cause) {
        if (stopping === undefined)
          options.progress.say(`the gateway stays as it is: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
    },
    stop(now = false) {
      abort.abort();
      if (now) for (const service of [parts.gateways, ...Object.values(parts.services)]) void service?.stop(true);
      stopping ??= stopAll();
      return stopping;
    },
  };
}

async function start(options: PlatformOptions, parts: Parts, signal: AbortSignal): Promise<Platform> {
  const { settings, progress } = options;
  const folder = openDataFolder(settings.dataDir);
  parts.folder = folder;
  removeReadyFile(folder.path("ready.json"));
  const ports = await findPorts(settings);
  const identity = await makeKeys(settings.dataDir, settings.publicHost);
  // Said now, in one sentence, and not by a gateway that is started again and again.
  readProxyTls(settings);
  signal.throwIfAborted();

  const database = await openDatabase({
    databaseUrl: settings.databaseUrl,
    folder,
    say: (text) => progress.say(text),
    onRestarted: () => parts.publish(),
    onGivenUp: (reason) => options.onFatal(reason),
  });
  parts.database = database;
  progress.say(settings.databaseUrl === undefined ? "PostgreSQL is up" : "PostgreSQL of DATABASE_URL answers");
  signal.throwIfAborted();
  if (settings.smtpUrl === undefined) {
    parts.mailbox = await startMailbox(folder.path("mail"), (cause) => progress.say(`the mailbox reports: ${String(cause)}`));
  }
  const facts: ResolvedFacts = {
    ...ports,
    panelUrl: settings.panelUrl ?? `http://${settings.publicHost}:${ports.panelPort}`,
    databaseUrl: database.url,
    smtpUrl: settings.smtpUrl ?? parts.mailbox?.smtpUrl ?? "",
  };
  await migrateData(facts.databaseUrl);
  progress.say("the database has this version's schema");
  signal.throwIfAborted();
  parts.upkeep = startUpkeep(facts.databaseUrl, (text) => progress.say(text));
  parts.reconciliation = startReconciliation(facts, (text) => progress.say(text));

  const data = await startServices(options, parts, { facts, folder, tunnelSpkiPin: identity.spkiPin, signal });
  const ready = (): ReadyFacts => describe(settings, facts, parts, data);
  parts.publish = () => writeReadyFile(folder.path("ready.json"), ready());
  parts.publish();
  return { ready: ready() };
}

interface StartFacts {
  readonly facts: ResolvedFacts;
  readonly folder: DataFolder;
  readonly tunnelSpkiPin: string;
  readonly signal: AbortSignal;
}

/** Gateway, panels and accounts at the same time; the demo when its codes are made and there is a gateway to dial. */
async function startServices(
  options: PlatformOptions,
  parts: Parts,
  { facts, folder, tunnelSpkiPin, signal }: StartFacts,
): Promise<PreparedData> {
  const { settings, progress, environment } = options;
  const childEnv = childEnvironment(environment, settings, facts);
  const common = (name: ServiceName): Omit<ServiceOptions, "spawn"> => ({
    name,
    log: openLogFile(join(settings.dataDir, "logs", `${name}.log`)),
    stopTimeoutMs: stopTimeoutsMs[name],
    signal,
    onRestarted: () => parts.publish(),
    onGivenUp: (reason) => options.onFatal(reason),
    say: (text) => progress.say(text),
  });
  const program = (name: ServiceName, file: string) => ({
    module: join(root, "apps", name, "dist", file),
    environment: name === "web" ? childEnv : withoutPayments(childEnv),
    cwd: root,
  });
  const begin = async (name: Exclude<ServiceName, "proxy">, file: string): Promise<void> => {
    parts.services[name] = await startService({ ...common(name), spawn: () => forkProgram(program(name, file)) });
    progress.say(`${names[name]} ${name === "web" ? "serve" : "serves"}`);
  };
  const beginGateways = async (): Promise<void> => {
    parts.gateways = await startGateways({
      ...common("proxy"),
      ...program("proxy", "main.mjs"),
      nodeArguments: gatewayNodeArguments,
      count: settings.gatewayProcesses,
      opsPort: facts.opsPort,
    });
    progress.say(settings.gatewayProcesses === 1 ? "the gateway serves" : `${settings.gatewayProcesses} gateway processes serve`);
  };
  const gateway = beginGateways();
  const accounts = prepareAccounts({ settings, facts, folder, tunnelSpkiPin });
  const demo = Promise.all([gateway, accounts]).then(() => (settings.demo ? begin("demo", "main.mjs") : undefined));
  const outcomes = await Promise.allSettled([gateway, accounts, demo, begin("web", "server.mjs")]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return accounts;
}

function describe(settings: Settings, facts: ResolvedFacts, parts: Parts, data: PreparedData): ReadyFacts {
  const gateways = parts.gateways?.list() ?? [];
  return {
    panelUrl: facts.panelUrl,
    proxy: { host: settings.publicHost, port: facts.proxyPort },
    tunnel: { host: settings.publicHost, port: facts.tunnelPort },
    opsUrl: opsUrlOf(settings.opsHost, facts.opsPort),
    gateways: gateways.map(({ pid, opsPort }) => ({ pid, opsUrl: opsUrlOf(settings.opsHost, opsPort) })),
    mailUrl: parts.mailbox?.pageUrl ?? null,
    echoUrl: facts.echoPort === null ? null : `http://127.0.0.1:${facts.echoPort}/`,
    logins: data.logins,
    proxyUser: data.proxyUser,
    pids: pidsOf(parts),
  };
}

/** From this machine: one that listens on every address does so on loopback too. */
function opsUrlOf(host: string, port: number): string {
  const isEvery = host === "0.0.0.0" || host === "::";
  return `http://${isEvery ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host}:${port}`;
}

function pidsOf({ gateways, services, database }: Parts): ReadyFacts["pids"] {
  return {
    launcher: process.pid,
    web: services.web?.pid ?? 0,
    proxy: gateways?.list()[0]?.pid ?? 0,
    postgres: database?.pid ?? null,
    demo: services.demo === undefined ? [] : [services.demo.pid],
  };
}

/** Each part is asked only after the one before it is gone. A part that fails to stop does not keep the rest running. */
async function stop(options: PlatformOptions, parts: Parts): Promise<void> {
  const { folder, database, mailbox, services, gateways } = parts;
  if (folder) removeReadyFile(folder.path("ready.json"));
  parts.publish = () => undefined;
  parts.upkeep?.close();
  const step = async (name: string, work: Promise<void> | undefined): Promise<void> => {
    if (work === undefined) return;
    try {
      await work;
      options.progress.say(`${name} stopped`);
    } catch (cause) {
      options.progress.say(`${name} did not stop cleanly: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };
  await step(names.web, services.web?.stop());
  await step(names.demo, services.demo?.stop());
  await step(names.proxy, gateways?.stop());
  await step("the reconciliation", parts.reconciliation?.close());
  await step("the mailbox", mailbox?.close());
  await step("PostgreSQL", database?.close());
  folder?.release();
}

async function findPorts(settings: Settings): Promise<Omit<ResolvedFacts, "panelUrl" | "databaseUrl" | "smtpUrl">> {
  const finder = openPortFinder();
  try {
    // The chosen ones first, so that no "any free port" falls among them.
    for (const port of settings.proxyAliasPorts) await finder.find("KARVON_PROXY_ALIAS_PORTS", port);
    const sticky = settings.stickyPorts ?? { first: 1, last: 0 };
    for (let port = sticky.first; port <= sticky.last; port += 1) await finder.find("KARVON_STICKY_PORTS", port);
    return {
      panelPort: await finder.find("KARVON_PANEL_PORT", settings.panelPort),
      proxyPort: await finder.find("KARVON_PROXY_PORT", settings.proxyPort),
      tunnelPort: await finder.find("KARVON_TUNNEL_PORT", settings.tunnelPort),
      opsPort: await finder.find("KARVON_OPS_PORT", settings.opsPort),
      echoPort: settings.demo ? await finder.find("the demo's echo target", 0) : null,
    };
  } finally {
    await finder.close();
  }
}
