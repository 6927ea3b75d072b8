import { newId } from "@karvon/domain";
import { testPaymentsOnly } from "@karvon/payments";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  anonymous,
  buyTraffic,
  createAllowlistEntry,
  createDemoEnrolments,
  createEnrolmentCode,
  createProxyUser,
  deleteAllowlistEntry,
  deleteTagCap,
  disableProxyUser,
  enableProxyUser,
  endSession,
  grantAllowlistBlock,
  pauseNode,
  reinstateNode,
  reinstateUser,
  resumeNode,
  retireNode,
  revokeAllowlistEntry,
  revokeOtherSignInSessions,
  revokeSignInSession,
  rotateProxyUserSecret,
  runReconciliation,
  setClientTerms,
  setProxyUserLimits,
  setProxyUserRules,
  setTagCap,
  signOut,
  suspendNode,
  suspendUser,
  createAdmin,
  type Actor,
} from "./index.ts";
import { correctionVerbs } from "./test/correction-verbs.ts";
import { openPanel, type TestPanel } from "./test/open-panel.ts";
import { orderVerbs } from "./test/order-verbs.ts";
import { payoutVerbs } from "./test/payout-verbs.ts";
import { refusalOf } from "./test/refusal-of.ts";
import type { Owner, RoleName, WriteVerb } from "./test/write-verb.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel({ ...testPaymentsOnly, bankTransfer: { details: ["Karvon Test LLC"] } });
});
afterAll(() => panel.close());

const ownedProxyUser = async ({ clientId = "" }: Owner) => (await panel.fixtures.makeProxyUser(clientId)).proxyUserId;
/** A block of its own each time. */
let blocks = 0;
const nextBlock = (): string => `9.0.${(blocks += 1)}.0/24`;
const listedBlock = async (clientId: string): Promise<string> => {
  const id = newId("alw");
  const { proxyUserId } = await panel.fixtures.makeProxyUser(clientId);
  await panel.database.allowlistEntry.create({ data: { id, clientId, proxyUserId, cidr: nextBlock() } });
  return id;
};
const blocksOf = async (proxyUserId: string): Promise<string> =>
  (await panel.database.allowlistEntry.findMany({ where: { proxyUserId }, select: { defaultParameters: true } }))
    .map((entry) => entry.defaultParameters)
    .join(" ");
const isListed = async (id: string): Promise<boolean> => (await panel.database.allowlistEntry.count({ where: { id } })) === 1;
const ownedNode = async ({ operatorId = "" }: Owner) => (await panel.fixtures.makeNode(operatorId)).nodeId;
const nodeIn = (status: "paused" | "suspended") => async (owner: Owner) => {
  const nodeId = owner.operatorId === undefined ? await someNode() : await ownedNode(owner);
  await panel.database.node.update({ where: { id: nodeId }, data: { status }, select: { id: true } });
  return nodeId;
};
const someNode = async () => ownedNode(await panel.fixtures.makeOperator());
const nodeStatus = async (id: string) => (await panel.database.node.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;
const userStatus = async (id: string) => (await panel.database.user.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;
const proxyUserStatus = async (id: string) =>
  (await panel.database.proxyUser.findUniqueOrThrow({ where: { id }, select: { status: true } })).status;
const reason = "because of a test";

const verbs: WriteVerb[] = [
  ...orderVerbs(() => panel),
  {
    name: "buyTraffic",
    role: "client",
    isTenantBound: false,
    run: (ctx) => buyTraffic(ctx, { gigabytes: 5, idempotencyKey: newId("ord") }),
  },
  { name: "createProxyUser", role: "client", isTenantBound: false, run: (ctx) => createProxyUser(ctx, {}) },
  {
    name: "rotateProxyUserSecret",
    role: "client",
    isTenantBound: true,
    makeSubject: ownedProxyUser,
    run: (ctx, id) => rotateProxyUserSecret(ctx, { id }),
  },
  {
    name: "disableProxyUser",
    role: "client",
    isTenantBound: true,
    makeSubject: ownedProxyUser,
    run: (ctx, id) => disableProxyUser(ctx, { id }),
    verify: proxyUserStatus,
    expected: "disabled",
  },
  {
    name: "setProxyUserLimits",
    role: "client",
    isTenantBound: true,
    makeSubject: ownedProxyUser,
    run: (ctx, id) => setProxyUserLimits(ctx, { id, totalGb: null, dayGb: 1.5, monthGb: 20 }),
    verify: async (id) => {
      const select = { trafficLimitBytes: true, dayLimitBytes: true, monthLimitBytes: true } as const;
      const { trafficLimitBytes, dayLimitBytes, monthLimitBytes } = await panel.database.proxyUser.findUniqueOrThrow({
        where: { id },
        select,
      });
      return [trafficLimitBytes, dayLimitBytes, monthLimitBytes].join(" ");
    },
    expected: " 1500000000 20000000000",
  },
  {
    name: "setTagCap",
    role: "client",
    isTenantBound: false,
    run: (ctx) => setTagCap(ctx, { tag: "crawl", totalGb: null, dayGb: 1, monthGb: null }),
  },
  {
    name: "deleteTagCap",
    role: "client",
    isTenantBound: true,
    makeSubject: async ({ clientId }) => {
      const owner = clientId ?? (await panel.fixtures.makeClient()).clientId;
      const tag = `t${newId("ord")}`.slice(-20);
      await panel.database.tagCap.create({ data: { clientId: owner, tag, dayLimitBytes: 1n } });
      return tag;
    },
    run: (ctx, tag) => deleteTagCap(ctx, { tag }),
    verify: async (tag) => String(await panel.database.tagCap.count({ where: { tag } })),
    expected: "0",
  },
  {
    name: "setProxyUserRules",
    role: "client",
    isTenantBound: true,
    makeSubject: ownedProxyUser,
    run: (ctx, id) => setProxyUserRules(ctx, { id, allowedSources: ["192.0.2.0/24"], allowedHosts: ["example.com"] }),
    verify: async (id) => {
      const select = { allowedSources: true, allowedHosts: true } as const;
      const { allowedSources, allowedHosts } = await panel.database.proxyUser.findUniqueOrThrow({ where: { id }, select });
      return [...allowedSources, ...allowedHosts].join(" ");
    },
    expected: "192.0.2.0/24 example.com",
  },
  {
    name: "createAllowlistEntry",
    role: "client",
    isTenantBound: true,
    makeSubject: ownedProxyUser,
    run: (ctx, proxyUserId) => {
      const here = { ...ctx, request: { ...ctx.request, ipAddress: "9.1.1.1" } };
      return createAllowlistEntry(here, { proxyUserId, address: "9.1.1.1", defaultParameters: "country-de" });
    },
    verify: blocksOf,
    expected: "-country-de",
  },
  {
    name: "deleteAllowlistEntry",
    role: "client",
    isTenantBound: true,
    makeSubject: ({ clientId = "" }) => listedBlock(clientId),
    run: (ctx, id) => deleteAllowlistEntry(ctx, { id }),
    verify: isListed,
    expected: false,
  },
  {
    name: "enableProxyUser",
    role: "client",
    isTenantBound: true,
    makeSubject: async (owner) => {
      const id = await ownedProxyUser(owner);
      await panel.database.proxyUser.update({ where: { id }, data: { status: "disabled" }, select: { id: true } });
      return id;
    },
    run: (ctx, id) => enableProxyUser(ctx, { id }),
    verify: proxyUserStatus,
    expected: "active",
  },
  {
    name: "runReconciliation",
    role: "admin",
    isTenantBound: false,
    run: (ctx) => runReconciliation(ctx),
    verify: () => panel.database.reconcileRun.count({ where: { scope: "full", askedBy: { startsWith: "usr_" }, failure: null } }),
    expected: 1,
  },
  {
    name: "pauseNode",
    role: "operator",
    isTenantBound: true,
    makeSubject: ownedNode,
    run: (ctx, id) => pauseNode(ctx, { id, reason }),
    verify: nodeStatus,
    expected: "paused",
  },
  {
    name: "resumeNode",
    role: "operator",
    isTenantBound: true,
    makeSubject: nodeIn("paused"),
    run: (ctx, id) => resumeNode(ctx, { id }),
    verify: nodeStatus,
    expected: "active",
  },
  {
    name: "retireNode",
    role: "operator",
    isTenantBound: true,
    makeSubject: ownedNode,
    run: (ctx, id) => retireNode(ctx, { id }),
    verify: nodeStatus,
    expected: "retired",
  },
  { name: "createEnrolmentCode", role: "operator", isTenantBound: false, run: (ctx) => createEnrolmentCode(ctx, { label: "Phone" }) },
  ...payoutVerbs(() => panel),
  ...correctionVerbs(() => panel),
  {
    name: "suspendUser",
    role: "admin",
    isTenantBound: false,
    makeSubject: async () => (await panel.client()).userId,
    run: (ctx, id) => suspendUser(ctx, { id, reason }),
    verify: userStatus,
    expected: "suspended",
  },
  {
    name: "setClientTerms",
    role: "admin",
    isTenantBound: false,
    makeSubject: async () => (await panel.client()).userId,
    run: (ctx, id) => setClientTerms(ctx, { id, kyc: "required", countries: ["DE", "FR"], reason }),
    verify: async (userId) => {
      const { kycRequired, kycTier, countries } = await panel.database.client.findUniqueOrThrow({ where: { userId } });
      return `${kycRequired} ${kycTier} ${countries.join(" ")}`;
    },
    expected: "true 0 DE FR",
  },
  {
    name: "grantAllowlistBlock",
    role: "admin",
    isTenantBound: false,
    makeSubject: async () => ownedProxyUser(await panel.client()),
    run: (ctx, proxyUserId) => grantAllowlistBlock(ctx, { proxyUserId, block: nextBlock(), defaultParameters: "-session-office", reason }),
    verify: blocksOf,
    expected: "-session-office",
  },
  {
    name: "revokeAllowlistEntry",
    role: "admin",
    isTenantBound: false,
    makeSubject: async () => listedBlock((await panel.client()).clientId),
    run: (ctx, id) => revokeAllowlistEntry(ctx, { id, reason }),
    verify: isListed,
    expected: false,
  },
  {
    name: "reinstateUser",
    role: "admin",
    isTenantBound: false,
    makeSubject: async () => {
      const { userId } = await panel.operator();
      await panel.database.user.update({ where: { id: userId }, data: { status: "suspended" }, select: { id: true } });
      return userId;
    },
    run: (ctx, id) => reinstateUser(ctx, { id, reason }),
    verify: userStatus,
    expected: "active",
  },
  {
    name: "suspendNode",
    role: "admin",
    isTenantBound: false,
    makeSubject: someNode,
    run: (ctx, id) => suspendNode(ctx, { id, reason }),
    verify: nodeStatus,
    expected: "suspended",
  },
  {
    name: "reinstateNode",
    role: "admin",
    isTenantBound: false,
    makeSubject: nodeIn("suspended"),
    run: (ctx, id) => reinstateNode(ctx, { id, reason }),
    verify: nodeStatus,
    expected: "active",
  },
  {
    name: "endSession",
    role: "admin",
    isTenantBound: false,
    makeSubject: openProxySession,
    run: (ctx, id) => endSession(ctx, { id, reason }),
  },
  {
    name: "revokeSignInSession",
    role: "signed in",
    isTenantBound: true,
    makeSubject: async ({ userId }) => {
      const row = await panel.database.signInSession.create({
        data: { id: newId("sis"), userId, expiresAt: new Date(Date.now() + 3_600_000) },
        select: { id: true },
      });
      return row.id;
    },
    run: (ctx, id) => revokeSignInSession(ctx, { id }),
    verify: async (id) =>
      (await panel.database.signInSession.findUniqueOrThrow({ where: { id }, select: { revokedAt: true } })).revokedAt !== null,
    expected: true,
  },
  { name: "revokeOtherSignInSessions", role: "signed in", isTenantBound: false, run: (ctx) => revokeOtherSignInSessions(ctx) },
  { name: "signOut", role: "signed in", isTenantBound: false, run: (ctx) => signOut(ctx) },
  {
    name: "createAdmin",
    role: "system",
    isTenantBound: false,
    run: (ctx) => createAdmin(ctx, { email: `${newId("usr")}@test.local` }),
  },
  {
    name: "createDemoEnrolments",
    role: "system",
    isTenantBound: false,
    makeSubject: async () => (await panel.operator()).operatorId,
    run: (ctx, operatorId) => createDemoEnrolments(ctx, { operatorId, labels: ["one", "two"] }),
  },
];

async function openProxySession(): Promise<string> {
  const [client, operator] = await Promise.all([panel.fixtures.makeClient(), panel.fixtures.makeOperator()]);
  const { proxyUserId } = await panel.fixtures.makeProxyUser(client.clientId);
  const { nodeId } = await panel.fixtures.makeNode(operator.operatorId);
  const id = newId("ses");
  await panel.fixtures.pool.query(
    `insert into proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port)
     values ($1, now(), $2, $3, $4, $5, 'gwy_test', $6, 'connect', 'example.org', 443)`,
    [id, client.clientId, proxyUserId, operator.operatorId, nodeId, panel.fixtures.priceId],
  );
  return id;
}

const system: Actor = { kind: "system", name: "test" };

async function actorsOf(role: RoleName): Promise<{ right: Actor & Partial<Owner>; wrong: Actor[] }> {
  const [client, operator, admin] = await Promise.all([panel.client(), panel.operator(), panel.admin()]);
  switch (role) {
    case "client":
      return { right: client, wrong: [anonymous, operator, admin, system] };
    case "operator":
      return { right: operator, wrong: [anonymous, client, admin, system] };
    case "admin":
      return { right: admin, wrong: [anonymous, client, operator, system] };
    case "system":
      return { right: system, wrong: [anonymous, client, operator, admin] };
    case "signed in":
      return { right: client, wrong: [anonymous, system] };
  }
}

function ownerOf(actor: Actor & Partial<Owner>): Owner {
  return {
    userId: actor.userId ?? "",
    ...(actor.clientId ? { clientId: actor.clientId } : {}),
    ...(actor.operatorId ? { operatorId: actor.operatorId } : {}),
  };
}

describe.each(verbs)("$name", (verb) => {
  test("does it and leaves exactly one audit row", async () => {
    const { right } = await actorsOf(verb.role);
    const subject = (await verb.makeSubject?.(ownerOf(right))) ?? "";
    const before = await panel.countAudits();
    await verb.run(panel.ctx(right), subject);
    expect(await panel.countAudits()).toBe(before + 1);
    if (verb.verify !== undefined) expect(await verb.verify(subject)).toBe(verb.expected);
  });

  test("refuses every other role and leaves no trace", async () => {
    const { right, wrong } = await actorsOf(verb.role);
    const subject = (await verb.makeSubject?.(ownerOf(right))) ?? "";
    const before = await panel.countAudits();
    for (const actor of wrong) {
      const expected = actor.kind === "anonymous" ? "SIGN_IN_REQUIRED" : "ROLE_FORBIDDEN";
      expect(await refusalOf(verb.run(panel.ctx(actor), subject)), actor.kind).toBe(expected);
    }
    expect(await panel.countAudits()).toBe(before);
  });
});

describe.each(verbs.filter((verb) => verb.isTenantBound))("$name", (verb) => {
  test("does not find what belongs to another tenant", async () => {
    const [mine, theirs] = [await actorsOf(verb.role), await actorsOf(verb.role)];
    const subject = (await verb.makeSubject?.(ownerOf(theirs.right))) ?? "";
    const before = await panel.countAudits();
    expect(await refusalOf(verb.run(panel.ctx(mine.right), subject))).toBe("NOT_FOUND");
    expect(await panel.countAudits()).toBe(before);
  });
});

test("the audit chain of everything above is whole", async () => {
  const rows = await panel.database.$queryRaw<{ ok: boolean; rows: bigint }[]>`select ok, rows from audit_verify()`;
  expect(rows[0]?.ok).toBe(true);
  expect(Number(rows[0]?.rows)).toBe(await panel.countAudits());
});
