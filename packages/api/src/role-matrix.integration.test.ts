import { createPrisma, type PrismaClient } from "@karvon/db";
import { AppError, newId } from "@karvon/domain";
import { createTestDatabase, openFixtures, type Fixtures, type TestDatabase } from "@karvon/testkit";
import { anonymous, createSystemContext, type Actor, type Viewer } from "@karvon/services";
import { TRPCError } from "@trpc/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appRouter } from "./app-router.ts";
import type { ApiContext } from "./context.ts";
import { createCallerFactory } from "./trpc.ts";

type RoleName = "anonymous" | "client" | "operator" | "admin";
const roles: readonly RoleName[] = ["anonymous", "client", "operator", "admin"];
const everybody = roles;
const signedIn: readonly RoleName[] = ["client", "operator", "admin"];
const page = {};
const reason = "because of a test";
const correction = {
  email: "nobody@test.local",
  kind: "correction",
  gigabytes: "1",
  amountUsd: "",
  reason,
  idempotencyKey: "matrix-0001",
};
const payoutRequest = {
  amountUsd: "10",
  method: "iban",
  destination: "DE89370400440532013000",
  holderName: "Test Operator",
  idempotencyKey: "matrix-0001",
};

/** Who may call what, and an input that the procedure accepts. A procedure without a line here fails the test. */
const matrix: Record<string, { readonly roles: readonly RoleName[]; readonly input?: unknown }> = {
  "auth.viewer": { roles: everybody },
  "auth.signUp": { roles: everybody, input: { email: "someone@test.local", password: "long enough", role: "client" } },
  "auth.confirmEmail": { roles: everybody, input: { email: "someone@test.local", code: "12345678" } },
  "auth.resendConfirmation": { roles: everybody, input: { email: "someone@test.local" } },
  "auth.requestAdminCode": { roles: everybody, input: { email: "someone@test.local" } },
  "auth.signOut": { roles: signedIn },
  "auth.sessions.list": { roles: signedIn },
  "auth.sessions.revoke": { roles: signedIn, input: { id: newId("sis") } },
  "auth.sessions.revokeOthers": { roles: signedIn },
  "client.overview": { roles: ["client"] },
  "client.packs": { roles: ["client"] },
  "client.buyTraffic": { roles: ["client"], input: { gigabytes: 1, idempotencyKey: "matrix-0001" } },
  "client.price": { roles: ["client"] },
  "client.wallet.show": { roles: ["client"] },
  "client.wallet.topUp": { roles: ["client"], input: { usd: "5", idempotencyKey: "matrix-0002" } },
  "client.wallet.set": { roles: ["client"], input: { isOn: false, capUsd: null } },
  "client.paymentMethods": { roles: ["client"] },
  "client.cancelOrder": { roles: ["client"], input: { id: newId("ord") } },
  "client.orders": { roles: ["client"], input: page },
  "client.proxyUsers.list": { roles: ["client"] },
  "client.proxyUsers.create": { roles: ["client"], input: {} },
  "client.proxyUsers.rotateSecret": { roles: ["client"], input: { id: newId("pxu") } },
  "client.proxyUsers.disable": { roles: ["client"], input: { id: newId("pxu") } },
  "client.proxyUsers.enable": { roles: ["client"], input: { id: newId("pxu") } },
  "client.proxyUsers.setLimits": { roles: ["client"], input: { id: newId("pxu"), totalGb: null, dayGb: 1, monthGb: null } },
  "client.tagCaps.list": { roles: ["client"] },
  "client.tagCaps.set": { roles: ["client"], input: { tag: "crawl", totalGb: null, dayGb: 1, monthGb: null } },
  "client.tagCaps.delete": { roles: ["client"], input: { tag: "crawl" } },
  "client.proxyUsers.setRules": { roles: ["client"], input: { id: newId("pxu"), allowedSources: [], allowedHosts: [] } },
  "client.allowlist.list": { roles: ["client"], input: { id: newId("pxu") } },
  "client.allowlist.create": { roles: ["client"], input: { proxyUserId: newId("pxu"), address: "9.9.9.9", defaultParameters: "" } },
  "client.allowlist.delete": { roles: ["client"], input: { id: newId("alw") } },
  "client.endpoint": { roles: ["client"] },
  "client.sessions": { roles: ["client"], input: page },
  "client.receipt": { roles: ["client"], input: { id: newId("ses") } },
  "client.refusals": { roles: ["client"], input: page },
  "client.ledger": { roles: ["client"], input: page },
  "client.live": { roles: ["client"] },
  "operator.overview": { roles: ["operator"] },
  "operator.nodes.list": { roles: ["operator"] },
  "operator.nodes.pause": { roles: ["operator"], input: { id: newId("nod") } },
  "operator.nodes.resume": { roles: ["operator"], input: { id: newId("nod") } },
  "operator.nodes.retire": { roles: ["operator"], input: { id: newId("nod") } },
  "operator.enrolment.create": { roles: ["operator"], input: {} },
  "operator.enrolment.list": { roles: ["operator"] },
  "operator.sessions": { roles: ["operator"], input: page },
  "operator.receipt": { roles: ["operator"], input: { id: newId("ses") } },
  "operator.earnings": { roles: ["operator"] },
  "operator.rateCard": { roles: ["operator"] },
  "operator.payouts.list": { roles: ["operator"], input: page },
  "operator.payouts.request": { roles: ["operator"], input: payoutRequest },
  "operator.payouts.cancel": { roles: ["operator"], input: { id: newId("pyt") } },
  "operator.ledger": { roles: ["operator"], input: page },
  "operator.live": { roles: ["operator"] },
  "admin.overview": { roles: ["admin"] },
  "admin.users": { roles: ["admin"], input: page },
  "admin.suspendUser": { roles: ["admin"], input: { id: newId("usr"), reason } },
  "admin.reinstateUser": { roles: ["admin"], input: { id: newId("usr"), reason } },
  "admin.setClientTerms": { roles: ["admin"], input: { id: newId("usr"), kyc: "required", countries: [], reason } },
  "admin.allowlist.list": { roles: ["admin"], input: { userId: newId("usr") } },
  "admin.allowlist.grant": {
    roles: ["admin"],
    input: { proxyUserId: newId("pxu"), block: "9.9.9.0/24", defaultParameters: "", reason },
  },
  "admin.allowlist.revoke": { roles: ["admin"], input: { id: newId("alw"), reason } },
  "admin.nodes": { roles: ["admin"], input: page },
  "admin.suspendNode": { roles: ["admin"], input: { id: newId("nod"), reason } },
  "admin.reinstateNode": { roles: ["admin"], input: { id: newId("nod"), reason } },
  "admin.sessions": { roles: ["admin"], input: page },
  "admin.endSession": { roles: ["admin"], input: { id: newId("ses"), reason } },
  "admin.refusals": { roles: ["admin"], input: page },
  "admin.corrections.list": { roles: ["admin"], input: page },
  "admin.corrections.propose": { roles: ["admin"], input: correction },
  "admin.corrections.approve": { roles: ["admin"], input: { id: newId("cor") } },
  "admin.corrections.reject": { roles: ["admin"], input: { id: newId("cor"), reason } },
  "admin.prices.list": { roles: ["admin"], input: page },
  "admin.prices.publish": {
    roles: ["admin"],
    input: { name: "Next", usdPerGb: "3", operatorUsdPerGb: "1.8", rates: [], tiers: [], reason },
  },
  "admin.prices.withdraw": { roles: ["admin"], input: { id: newId("prc"), reason } },
  "admin.payouts.list": { roles: ["admin"], input: page },
  "admin.payouts.check": { roles: ["admin"], input: { id: newId("pyt") } },
  "admin.payouts.send": { roles: ["admin"], input: { ids: [newId("pyt")] } },
  "admin.payouts.confirm": { roles: ["admin"], input: { ids: [newId("pyt")], reference: "bank 1" } },
  "admin.payouts.fail": { roles: ["admin"], input: { id: newId("pyt"), reason } },
  "admin.orders": { roles: ["admin"], input: page },
  "admin.confirmBankTransfer": { roles: ["admin"], input: { id: newId("ord"), reference: "FT 1", amount: "15.00", reason } },
  "admin.refundOrder": { roles: ["admin"], input: { id: newId("ord"), reason } },
  "admin.exchangeRates": { roles: ["admin"] },
  "admin.setExchangeRate": { roles: ["admin"], input: { currency: "UZS", perUsd: "12650.45", reason } },
  "admin.reconciliation": { roles: ["admin"] },
  "admin.runReconciliation": { roles: ["admin"] },
  "admin.audit": { roles: ["admin"], input: page },
  "admin.verifyAudit": { roles: ["admin"] },
  "admin.live": { roles: ["admin"] },
};

let testDatabase: TestDatabase;
let database: PrismaClient;
let fixtures: Fixtures;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createPrisma({ url: testDatabase.url });
  fixtures = openFixtures(testDatabase.url);
});
afterAll(async () => {
  await database.$disconnect();
  await fixtures.close();
  await testDatabase.drop();
});

async function actorOf(role: RoleName): Promise<Actor> {
  switch (role) {
    case "anonymous":
      return anonymous;
    case "client":
      return { kind: "client", sessionId: newId("sis"), ...(await fixtures.makeClient()) };
    case "operator":
      return { kind: "operator", sessionId: newId("sis"), ...(await fixtures.makeOperator()) };
    case "admin": {
      const { id } = await database.user.create({
        data: { id: newId("usr"), email: `${newId("usr")}@test.local`, role: "admin" },
        select: { id: true },
      });
      return { kind: "admin", sessionId: newId("sis"), userId: id };
    }
  }
}

function contextOf(actor: Actor): ApiContext {
  const {
    actor: _system,
    request,
    ...deps
  } = createSystemContext({
    database,
    name: "test",
    pepper: Buffer.alloc(32),
    network: {
      proxyHost: "127.0.0.1",
      proxyPort: 1,
      tunnelHost: "127.0.0.1",
      tunnelPort: 2,
      tunnelSpkiPin: Buffer.alloc(32).toString("base64url"),
    },
  });
  const viewer: Viewer | null =
    actor.kind === "anonymous" || actor.kind === "system"
      ? null
      : { id: actor.userId, email: "", role: actor.kind, displayName: null, isDemo: false };
  return {
    deps,
    actor,
    viewer,
    request,
    cookies: { setBrowserSecret: () => undefined, clearSignIn: () => undefined },
    radar: { follow: () => noTicks() },
    isStillSignedIn: () => Promise.resolve(true),
  };
}

async function* noTicks() {
  yield* [];
}

const createCaller = createCallerFactory(appRouter);

/** "allowed" when the procedure itself answered, be it that there is no such thing. */
async function tryCall(actor: Actor, path: string, input: unknown): Promise<string> {
  try {
    await call(actor, path, input);
    return "allowed";
  } catch (cause) {
    return cause instanceof TRPCError ? verdictOf(cause) : String(cause);
  }
}

async function call(actor: Actor, path: string, input: unknown): Promise<void> {
  let procedure: unknown = createCaller(contextOf(actor));
  for (const name of path.split(".")) procedure = Reflect.get(Object(procedure), name);
  if (typeof procedure !== "function") throw new Error(`there is no ${path}`);
  const answer: unknown = await Reflect.apply(procedure, undefined, input === undefined ? [] : [input]);
  // A subscription begins only when somebody reads it.
  if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer) await Object(answer)[Symbol.asyncIterator]().next();
}

function verdictOf(error: TRPCError): string {
  const code = error.cause instanceof AppError ? error.cause.code : error.code;
  switch (code) {
    case "SIGN_IN_REQUIRED":
      return "sign in";
    case "ROLE_FORBIDDEN":
      return "wrong role";
    case "INTERNAL_SERVER_ERROR":
    case "BAD_REQUEST":
      return `${code}: ${String(error.cause)}`;
    default:
      return "allowed";
  }
}

// oxlint-disable-next-line no-underscore-dangle -- tRPC's own name for the flat list of procedures
const paths = Object.keys(appRouter._def.procedures);

test("every procedure has a line in the matrix, and every line a procedure", () => {
  expect(Object.keys(matrix).toSorted()).toEqual(paths.toSorted());
});

describe.each(Object.entries(matrix))("%s", (path, { roles: allowed, input }) => {
  test.each(roles)("answers %s as the matrix says", async (role) => {
    const expected = allowed.includes(role) ? "allowed" : role === "anonymous" ? "sign in" : "wrong role";
    expect(await tryCall(await actorOf(role), path, input)).toBe(expected);
  });

  test("says who is wrong before it says what is wrong with the input", async () => {
    const wrong = roles.find((role) => !allowed.includes(role));
    if (wrong === undefined) return;
    expect(await tryCall(await actorOf(wrong), path, { unknown: "key" })).toBe(wrong === "anonymous" ? "sign in" : "wrong role");
  });
});

test("inputs refuse keys that they do not know", async () => {
  const admin = await actorOf("admin");
  const client = await actorOf("client");
  for (const [path, { roles: allowed, input }] of Object.entries(matrix)) {
    if (input === undefined) continue;
    const actor = allowed.includes("admin") ? admin : allowed.includes("client") ? client : await actorOf("operator");
    expect(await tryCall(actor, path, { ...Object(input), unknown: 1 }), path).toMatch(/^BAD_REQUEST/);
  }
});
