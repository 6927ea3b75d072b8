/**
 * The way to the running platform: its database, its keys and its addresses.
 *
 * Order: DATABASE_URL, else the PostgreSQL that runs in the data folder. Nothing is started. Reads act as the admin's,
 * writes as the client's or operator's they are for; the audit log names `system:cli` as who did it.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { UsageLedger } from "@karvon/billing";
import { createPrisma } from "@karvon/db";
import { openGatewayDatabase } from "@karvon/db/sql";
import { AppError } from "@karvon/domain";
import { findPostgres } from "@karvon/postgres";
import { createSystemContext, type NetworkFacts, type ServiceContext } from "@karvon/services";
import { readPepper, readTunnelIdentity, type Settings } from "@karvon/settings";

const databaseName = "karvon";
const actingAs = { userId: "system:cli", sessionId: "cli" } as const;

export interface Owner {
  readonly id: string;
  readonly email: string;
}

export interface Connection {
  readonly admin: ServiceContext;
  readonly proxy: { readonly host: string; readonly port: number };
  asClient(client: Owner): ServiceContext;
  asOperator(operator: Owner): ServiceContext;
  /** The client with that address; without one the only client there is. AppError when that is not clear. */
  findClient(email: string | undefined): Promise<Owner>;
  findOperator(email: string | undefined): Promise<Owner>;
  /** Where usage is posted, for as long as `work` takes. */
  withLedger<Answer>(work: (ledger: UsageLedger) => Promise<Answer>): Promise<Answer>;
  close(): Promise<void>;
}

/** The platform cannot be reached. The message says what to do. */
export class ConnectError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConnectError";
  }
}

export async function connect(settings: Settings): Promise<Connection> {
  const url = await findDatabase(settings);
  const database = createPrisma({ url, poolMax: 2 });
  const network = findNetwork(settings);
  const system = createSystemContext({ database, pepper: readPepper(settings.dataDir), network, name: "cli" });
  return {
    admin: { ...system, actor: { kind: "admin", ...actingAs } },
    proxy: { host: network.proxyHost, port: network.proxyPort },
    asClient: (client) => ({ ...system, actor: { kind: "client", ...actingAs, clientId: client.id } }),
    asOperator: (operator) => ({ ...system, actor: { kind: "operator", ...actingAs, operatorId: operator.id } }),
    async findClient(email) {
      const rows = await database.client.findMany({ where: whose(email), select: owner, take: 2, orderBy: { createdAt: "asc" } });
      return onlyOne(rows, "client", email);
    },
    async findOperator(email) {
      const rows = await database.operator.findMany({ where: whose(email), select: owner, take: 2, orderBy: { createdAt: "asc" } });
      return onlyOne(rows, "operator", email);
    },
    async withLedger(work) {
      const ledger = openGatewayDatabase({ url, poolMax: 1, onError: () => undefined });
      try {
        return await work(ledger);
      } finally {
        await ledger.close();
      }
    },
    close: () => database.$disconnect(),
  };
}

const owner = { id: true, user: { select: { email: true } } } as const;

function whose(email: string | undefined): { user?: { email: string } } {
  return email === undefined ? {} : { user: { email: email.toLowerCase() } };
}

function onlyOne(rows: readonly { id: string; user: { email: string } }[], role: string, email: string | undefined): Owner {
  const [first, second] = rows;
  if (first === undefined)
    throw new AppError("NOT_FOUND", email === undefined ? `There is no ${role} yet.` : `There is no ${role} with the address ${email}.`);
  if (second !== undefined) throw new AppError("INPUT_INVALID", `There is more than one ${role}; say which one with --${role} EMAIL.`);
  return { id: first.id, email: first.user.email };
}

async function findDatabase(settings: Settings): Promise<string> {
  if (settings.databaseUrl !== undefined) return settings.databaseUrl;
  const running = await findPostgres({ dir: join(settings.dataDir, "postgres"), database: databaseName });
  if (running !== null) return running.url;
  throw new ConnectError(
    `Karvon does not run on ${settings.dataDir}; start it with npm start, or set KARVON_DATA_DIR or DATABASE_URL to the one that does.`,
  );
}

/** Addresses as the running platform told them, otherwise as the settings say. */
function findNetwork(settings: Settings): NetworkFacts {
  const told = readReadyFile(join(settings.dataDir, "ready.json"));
  return {
    proxyHost: told.proxy?.host ?? settings.publicHost,
    proxyPort: told.proxy?.port ?? settings.proxyPort,
    tunnelHost: told.tunnel?.host ?? settings.publicHost,
    tunnelPort: told.tunnel?.port ?? settings.tunnelPort,
    tunnelSpkiPin: readTunnelIdentity(settings.dataDir).spkiPin,
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function readReadyFile(path: string): { proxy: Address | null; tunnel: Address | null } {
  const facts: unknown = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
  return { proxy: addressIn(facts, "proxy"), tunnel: addressIn(facts, "tunnel") };
}

function addressIn(facts: unknown, name: string): Address | null {
  const found: unknown = typeof facts === "object" && facts !== null ? Reflect.get(facts, name) : null;
  if (typeof found !== "object" || found === null || !("host" in found) || !("port" in found)) return null;
  return typeof found.host === "string" && typeof found.port === "number" ? { host: found.host, port: found.port } : null;
}
