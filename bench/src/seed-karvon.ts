/**
 * What must stand in the database before anything can be measured: a client with 1 TB and one proxy user, an operator, and
 * one enrolment code for each node. Written as SQL, because with the demo off nobody else makes a client without a mailbox.
 */
import { newId } from "@karvon/domain";
import { hashProxyPassword, makeEnrolmentCode, makeProxyPassword, slowHash, type TunnelDoor } from "@karvon/security";
import pg from "pg";

export interface SeedOptions {
  readonly databaseUrl: string;
  readonly pepper: Buffer;
  readonly tunnel: TunnelDoor;
  readonly nodes: number;
  /** Nodes of the demo, which carry 1,024 sessions each where others carry 256. */
  readonly areDemo: boolean;
}

export interface SeededKarvon {
  /** user:password of the proxy user. */
  readonly proxyCredentials: string;
  readonly login: { readonly email: string; readonly password: string };
  readonly enrolmentCodes: readonly string[];
}

const terabyte = 1_000_000_000_000n;
const priceMicroUsdPerGb = 3_000_000n;
/** Above the plan's 500, so that the limits are checked on every session and never reached. */
const concurrencyMax = 100_000;
const enrolmentMinutes = 10;
const proxyUsername = "bench";
const email = "bench@karvon.local";
const operatorEmail = "bench-operator@karvon.local";

export async function seedKarvon(options: SeedOptions): Promise<SeededKarvon> {
  const proxyPassword = makeProxyPassword();
  const panelPassword = makeProxyPassword();
  const db = new pg.Client({ connectionString: options.databaseUrl });
  await db.connect();
  try {
    await db.query("begin");
    const clientId = await insertClient(db, await slowHash(panelPassword));
    await db.query("insert into proxy_user (id, client_id, username, secret_hash) values ($1, $2, $3, $4)", [
      newId("pxu"),
      clientId,
      proxyUsername,
      hashProxyPassword(options.pepper, proxyPassword),
    ]);
    await creditTerabyte(db, clientId);
    const enrolmentCodes = await insertEnrolments(db, options);
    await db.query("commit");
    return {
      proxyCredentials: `${proxyUsername}:${proxyPassword}`,
      login: { email, password: panelPassword },
      enrolmentCodes,
    };
  } finally {
    await db.end();
  }
}

const insertUser = `insert into user_account (id, email, role, display_name, password_hash, email_verified_at)
  values ($1, $2, $3::"Role", 'Benchmark', $4, now())`;

async function insertClient(db: pg.Client, passwordHash: string): Promise<string> {
  const [userId, clientId] = [newId("usr"), newId("cli")];
  await db.query(insertUser, [userId, email, "client", passwordHash]);
  await db.query("insert into client (id, user_id, concurrency_max) values ($1, $2, $3)", [clientId, userId, concurrencyMax]);
  return clientId;
}

/** As a purchase posts it: both assets balance. */
async function creditTerabyte(db: pg.Client, clientId: string): Promise<void> {
  const microUsd = (terabyte / 1_000_000_000n) * priceMicroUsdPerGb;
  const entries = [
    { kind: "bytes_issued", amount: `${-terabyte}` },
    { kind: "client_bytes", ownerId: clientId, amount: `${terabyte}` },
    { kind: "payment_clearing", amount: `${-microUsd}` },
    { kind: "client_usd", ownerId: clientId, amount: `${microUsd}` },
  ];
  await db.query("select ledger_post($1, 'top_up', 'bench', null, $2)", [`bench:${clientId}`, JSON.stringify(entries)]);
}

async function insertEnrolments(db: pg.Client, options: SeedOptions): Promise<readonly string[]> {
  const [userId, operatorId] = [newId("usr"), newId("opr")];
  await db.query(insertUser, [userId, operatorEmail, "operator", null]);
  await db.query("insert into operator (id, user_id) values ($1, $2)", [operatorId, userId]);
  const codes: string[] = [];
  for (let i = 0; i < options.nodes; i += 1) {
    const { code, tokenHash } = makeEnrolmentCode(options.tunnel);
    await db.query(
      "insert into enrolment_token (id, operator_id, label, token_hash, is_demo, expires_at) values ($1, $2, $3, $4, $5, now() + make_interval(mins => $6))",
      [newId("enr"), operatorId, `bench ${i + 1}`, tokenHash, options.areDemo, enrolmentMinutes],
    );
    codes.push(code);
  }
  return codes;
}
