import { createHash } from "node:crypto";
import { bytesPerGb, dueMicroUsd, newId } from "@karvon/domain";
import { hashProxyPassword, isSameBytes, slowHash, slowVerify } from "@karvon/security";
import { requireSystem } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import { postLedger } from "../sql-functions.ts";
import { transact, type Transaction } from "../transaction.ts";
import { createAdmin } from "./create-admin.ts";

export const demoLogins = {
  client: "demo-client@karvon.local",
  operator: "demo-operator@karvon.local",
  admin: "admin@karvon.local",
  proxyUser: "demo",
} as const;

/** Enough for load tests. */
const demoGigabytes = 1_000n;
const demoConcurrencyMax = 100_000;

export interface SeedDemoInput {
  readonly clientPassword: string;
  readonly operatorPassword: string;
  readonly proxyPassword: string;
}

export interface DemoAccounts {
  readonly clientId: string;
  readonly operatorId: string;
  readonly proxyUserId: string;
  readonly adminUserId: string;
}

/**
 * Makes the demo's accounts, all marked as demo: a client with 1 TB and the proxy user `demo`, an operator, an admin.
 * Calling it again with the same passwords changes nothing; with other ones it sets them. Only Karvon itself may.
 */
export async function seedDemo(ctx: ServiceContext, input: SeedDemoInput): Promise<DemoAccounts> {
  requireSystem(ctx);
  const admin = await createAdmin(ctx, { email: demoLogins.admin, displayName: "Demo admin", isDemo: true });
  const known = await findDemo(ctx);
  if (known !== null && (await isUpToDate(ctx, input))) return { ...known, adminUserId: admin.id };
  const clientHash = await slowHash(input.clientPassword);
  const operatorHash = await slowHash(input.operatorPassword);
  return transact(ctx, async (tx) => {
    const clientUserId = await writeUser(ctx, tx, {
      email: demoLogins.client,
      role: "client",
      name: "Demo client",
      passwordHash: clientHash,
    });
    const operatorUserId = await writeUser(ctx, tx, {
      email: demoLogins.operator,
      role: "operator",
      name: "Demo operator",
      passwordHash: operatorHash,
    });
    const client = await tx.db.client.upsert({
      where: { userId: clientUserId },
      create: { id: newId("cli"), userId: clientUserId, isDemo: true, concurrencyMax: demoConcurrencyMax, createdAt: ctx.now() },
      update: {},
      select: { id: true },
    });
    const operator = await tx.db.operator.upsert({
      where: { userId: operatorUserId },
      create: { id: newId("opr"), userId: operatorUserId, isDemo: true, createdAt: ctx.now() },
      update: {},
      select: { id: true },
    });
    const proxyUser = await tx.db.proxyUser.upsert({
      where: { username: demoLogins.proxyUser },
      create: {
        id: newId("pxu"),
        clientId: client.id,
        username: demoLogins.proxyUser,
        label: "Demo",
        secretHash: proxyHash(ctx, input),
        createdAt: ctx.now(),
      },
      update: { secretHash: proxyHash(ctx, input), status: "active", disabledAt: null },
      select: { id: true },
    });
    await grantTraffic(tx, client.id);
    await tx.audit({ action: "demo.seed", subjectId: client.id, detail: { operatorId: operator.id, proxyUserId: proxyUser.id } });
    await tx.notify({ kind: "proxy_user", id: proxyUser.id });
    return { clientId: client.id, operatorId: operator.id, proxyUserId: proxyUser.id, adminUserId: admin.id };
  });
}

function proxyHash(ctx: ServiceContext, input: SeedDemoInput): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hashProxyPassword(ctx.pepper, input.proxyPassword));
}

async function findDemo(ctx: ServiceContext): Promise<Omit<DemoAccounts, "adminUserId"> | null> {
  const [proxyUser, operator] = await Promise.all([
    ctx.database.proxyUser.findUnique({ where: { username: demoLogins.proxyUser }, select: { id: true, clientId: true } }),
    ctx.database.operator.findFirst({ where: { user: { email: demoLogins.operator } }, select: { id: true } }),
  ]);
  return proxyUser === null || operator === null
    ? null
    : { clientId: proxyUser.clientId, operatorId: operator.id, proxyUserId: proxyUser.id };
}

async function isUpToDate(ctx: ServiceContext, input: SeedDemoInput): Promise<boolean> {
  const proxyUser = await ctx.database.proxyUser.findUnique({
    where: { username: demoLogins.proxyUser },
    select: { secretHash: true, status: true },
  });
  if (proxyUser === null || proxyUser.status !== "active" || !isSameBytes(proxyUser.secretHash, proxyHash(ctx, input))) return false;
  const users = await ctx.database.user.findMany({
    where: { email: { in: [demoLogins.client, demoLogins.operator] } },
    select: { email: true, passwordHash: true },
    take: 2,
  });
  const hashOf = (email: string) => users.find((user) => user.email === email)?.passwordHash ?? null;
  const isClientSame = await slowVerify(hashOf(demoLogins.client), input.clientPassword);
  return isClientSame && (await slowVerify(hashOf(demoLogins.operator), input.operatorPassword));
}

interface DemoUser {
  readonly email: string;
  readonly role: "client" | "operator";
  readonly name: string;
  readonly passwordHash: string;
}

async function writeUser(ctx: ServiceContext, tx: Transaction, user: DemoUser): Promise<string> {
  const { id } = await tx.db.user.upsert({
    where: { email: user.email },
    create: {
      id: newId("usr"),
      email: user.email,
      role: user.role,
      displayName: user.name,
      passwordHash: user.passwordHash,
      emailVerifiedAt: ctx.now(),
      isDemo: true,
      createdAt: ctx.now(),
    },
    update: { passwordHash: user.passwordHash, status: "active" },
    select: { id: true },
  });
  return id;
}

/** Once: the key is the client's, whatever is seeded again. */
async function grantTraffic(tx: Transaction, clientId: string): Promise<void> {
  const price = await tx.db.price.findFirstOrThrow({
    where: { isListed: true },
    orderBy: { validFrom: "asc" },
    select: { picoUsdPerByte: true },
  });
  const bytes = demoGigabytes * bytesPerGb;
  const amount: bigint = dueMicroUsd(bytes, price.picoUsdPerByte);
  const key = `demo:${clientId}`;
  await postLedger(tx.db, {
    key,
    kind: "top_up",
    actor: "system:demo",
    requestSha256: createHash("sha256").update(key).digest(),
    entries: [
      { kind: "bytes_issued", amount: -bytes },
      { kind: "client_bytes", ownerId: clientId, amount: bytes },
      { kind: "promotion", amount: -amount },
      { kind: "client_usd", ownerId: clientId, amount },
    ],
  });
}
