/**
 * What must be in the database before anything serves: the schema, an admin, and with the demo its accounts and the
 * enrolment codes of its nodes. Running it again changes nothing.
 *
 * The demo's passwords are made once and kept in `demo/logins.json`; the database holds their hashes only.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createPrisma, MigrationError, migrate } from "@karvon/db";
import { makeProxyPassword } from "@karvon/security";
import { createAdmin, createDemoEnrolments, createSystemContext, demoLogins, seedDemo, type ServiceContext } from "@karvon/services";
import { readPepper, type Settings } from "@karvon/settings";
import type { ResolvedFacts } from "./child-environment.ts";
import { writeFileAtomically, type DataFolder } from "./data-folder.ts";
import type { ReadyFacts } from "./ready-file.ts";
import { StartError } from "./start-error.ts";

/** As many as the demo runs. */
const demoNodeCount = 12;

export type PreparedData = Pick<ReadyFacts, "logins" | "proxyUser">;

export interface PrepareOptions {
  readonly settings: Settings;
  readonly facts: ResolvedFacts;
  readonly folder: DataFolder;
  readonly tunnelSpkiPin: string;
}

export async function migrateData(databaseUrl: string): Promise<void> {
  try {
    await migrate({ url: databaseUrl });
  } catch (cause) {
    if (cause instanceof MigrationError) throw new StartError(cause.message, { cause });
    throw cause;
  }
}

/** The admin, and with the demo its accounts and codes. */
export async function prepareAccounts(options: PrepareOptions): Promise<PreparedData> {
  const { settings, facts } = options;
  const database = createPrisma({ url: facts.databaseUrl, poolMax: 2 });
  try {
    const ctx = createSystemContext({
      database,
      pepper: readPepper(settings.dataDir),
      name: "launcher",
      network: {
        proxyHost: settings.publicHost,
        proxyPort: facts.proxyPort,
        // These codes are for the demo's nodes, which run beside the gateway.
        tunnelHost: "127.0.0.1",
        tunnelPort: facts.tunnelPort,
        tunnelSpkiPin: options.tunnelSpkiPin,
      },
    });
    const admin = await createAdmin(ctx, { email: settings.adminEmail ?? demoLogins.admin, isDemo: settings.adminEmail === undefined });
    if (!settings.demo) return { logins: { client: null, operator: null, admin: { email: admin.email } }, proxyUser: null };
    return await prepareDemo(ctx, options, admin.email);
  } finally {
    await database.$disconnect();
  }
}

async function prepareDemo(ctx: ServiceContext, { folder }: PrepareOptions, adminEmail: string): Promise<PreparedData> {
  const passwords = readOrMakePasswords(folder.path("demo", "logins.json"));
  const accounts = await seedDemo(ctx, passwords);
  await prepareFleet(ctx, folder, accounts.operatorId);
  return {
    logins: {
      client: { email: demoLogins.client, password: passwords.clientPassword },
      operator: { email: demoLogins.operator, password: passwords.operatorPassword },
      admin: { email: adminEmail },
    },
    proxyUser: { username: demoLogins.proxyUser, password: passwords.proxyPassword },
  };
}

interface DemoPasswords {
  readonly clientPassword: string;
  readonly operatorPassword: string;
  readonly proxyPassword: string;
}

function readOrMakePasswords(path: string): DemoPasswords {
  if (existsSync(path)) {
    const kept: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isPasswords(kept)) return kept;
  }
  const made = {
    clientPassword: randomBytes(12).toString("base64url"),
    operatorPassword: randomBytes(12).toString("base64url"),
    proxyPassword: makeProxyPassword(),
  };
  writeFileAtomically(path, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

function isPasswords(value: unknown): value is DemoPasswords {
  if (typeof value !== "object" || value === null) return false;
  return ["clientPassword", "operatorPassword", "proxyPassword"].every((name) => typeof Reflect.get(value, name) === "string");
}

/**
 * The nodes enrol once and keep their keys under `demo/fleet/`. When the database does not know them all (a first start,
 * one that was broken off, or another database), the fleet begins anew with fresh codes, good for 10 minutes.
 */
async function prepareFleet(ctx: ServiceContext, folder: DataFolder, operatorId: string): Promise<void> {
  const known = await ctx.database.node.count({ where: { operatorId, isDemo: true, status: { not: "retired" } } });
  if (known >= demoNodeCount && existsSync(folder.path("demo", "fleet"))) return;
  rmSync(folder.path("demo", "fleet"), { recursive: true, force: true });
  const labels = Array.from({ length: demoNodeCount }, (_, index) => `demo-${String(index + 1).padStart(2, "0")}`);
  const codes = await createDemoEnrolments(ctx, { operatorId, labels });
  writeFileAtomically(folder.path("demo", "codes.json"), `${JSON.stringify(codes)}\n`);
}
