import { newId } from "@karvon/domain";
import { hashEnrolmentToken, readEnrolmentCode } from "@karvon/security";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  buyTraffic,
  createDemoEnrolments,
  createEnrolmentCode,
  demoLogins,
  getAdminOverview,
  getClientOverview,
  getEarnings,
  getOperatorOverview,
  getOperatorReceipt,
  getReceipt,
  listAdminNodes,
  listAdminSessions,
  listAudit,
  listClientSessions,
  listEnrolmentCodes,
  listOperatorNodes,
  listOperatorSessions,
  listOwnNodeIds,
  listUsers,
  retireNode,
  runReconciliation,
  seedDemo,
  signInWithPassword,
  suspendUser,
  verifyAudit,
  anonymous,
  type Actor,
} from "./index.ts";
import { openPanel, type TestPanel } from "./test/open-panel.ts";
import { refusalOf } from "./test/refusal-of.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

const system: Actor = { kind: "system", name: "test" };
const passwords = { clientPassword: "client password", operatorPassword: "operator password", proxyPassword: `pxk${"a".repeat(24)}` };

/** One session as a gateway reports it, posted by the one function that may. */
async function carry(clientId: string, operatorId: string, bytes: { up: number; down: number; failedAttempts?: number }) {
  const { proxyUserId } = await panel.fixtures.makeProxyUser(clientId);
  const { nodeId } = await panel.fixtures.makeNode(operatorId);
  const gatewayId = await panel.fixtures.makeGateway();
  const id = newId("ses");
  const openedAt = new Date().toISOString();
  const opened = [
    {
      id,
      openedAt,
      clientId,
      proxyUserId,
      operatorId,
      nodeId,
      priceId: panel.fixtures.priceId,
      protocol: "connect",
      targetHost: "example.org",
      targetPort: 443,
      exitAddress: "203.0.113.9",
      exitCountry: "UZ",
      exitCity: "Tashkent",
      connectionType: "wifi",
      failedAttempts: bytes.failedAttempts,
    },
  ];
  await panel.fixtures.pool.query(
    "select * from usage_flush($1, 1, 1, now(), sha256($2::bytea), $3, array[$4], array[$5::timestamptz], array[$6::bigint], array[$7::bigint], array[null::timestamptz], array[null::text])",
    [gatewayId, id, JSON.stringify(opened), id, openedAt, bytes.up, bytes.down],
  );
  return { sessionId: id, nodeId };
}

describe("one session", () => {
  test("is the same session, bytes and money to client, operator and admin", async () => {
    const [client, operator, admin] = [await panel.client(), await panel.operator(), await panel.admin()];
    await buyTraffic(panel.ctx(client), { gigabytes: 1, idempotencyKey: newId("ord") });
    const { sessionId, nodeId } = await carry(client.clientId, operator.operatorId, { up: 2_000_000, down: 10_000_000 });
    const [mine] = (await listClientSessions(panel.ctx(client), {})).items;
    const [theirs] = (await listOperatorSessions(panel.ctx(operator), {})).items;
    const [both] = (await listAdminSessions(panel.ctx(admin), { search: sessionId })).items;
    expect(mine).toMatchObject({
      id: sessionId,
      upBytes: 2_000_000n,
      downBytes: 10_000_000n,
      dueMicroUsd: 36_000n,
      exitCountry: "UZ",
      closedAt: null,
    });
    expect(theirs).toMatchObject({
      id: sessionId,
      nodeId,
      upBytes: 2_000_000n,
      downBytes: 10_000_000n,
      earnedMicroUsd: 21_600n,
      targetHost: "example.org",
    });
    expect(both).toMatchObject({
      id: sessionId,
      clientEmail: client.email,
      operatorEmail: operator.email,
      dueMicroUsd: 36_000n,
      earnedMicroUsd: 21_600n,
    });
    expect(theirs).not.toHaveProperty("targetPort");
    expect(theirs).not.toHaveProperty("proxyUsername");

    expect(await getClientOverview(panel.ctx(client))).toMatchObject({
      balanceBytes: 988_000_000n,
      sessionsOpen: 1,
      today: { upBytes: 2_000_000n, downBytes: 10_000_000n, dueMicroUsd: 36_000n },
    });
    expect(await getOperatorOverview(panel.ctx(operator))).toMatchObject({
      nodesTotal: 1,
      nodesOnline: 0,
      payableMicroUsd: 21_600n,
      sessionsOpen: 1,
      today: { bytes: 12_000_000n, earnedMicroUsd: 21_600n },
    });
    const earnings = await getEarnings(panel.ctx(operator));
    expect(earnings.days).toHaveLength(30);
    expect(earnings.days.at(-1)).toMatchObject({ bytes: 12_000_000n, earnedMicroUsd: 21_600n });
    expect(earnings.nodes).toEqual([{ nodeId, label: "Test node", bytes: 12_000_000n, earnedMicroUsd: 21_600n }]);

    const { totals, lastRun } = await runReconciliation(panel.ctx(admin));
    expect(totals).toEqual({
      measuredBytes: 12_000_000n,
      clientDebitBytes: 12_000_000n,
      clientDebitMicroUsd: 36_000n,
      operatorCreditMicroUsd: 21_600n,
      feeMicroUsd: 14_400n,
    });
    expect(lastRun?.askedBy).toBe(admin.email);
    expect(lastRun?.checks.map((check) => check.badCount)).toEqual(Array.from({ length: 8 }, () => 0));
    const overview = await getAdminOverview(panel.ctx(admin));
    expect(overview.today).toEqual({ upBytes: 2_000_000n, downBytes: 10_000_000n, dueMicroUsd: 36_000n, earnedMicroUsd: 21_600n });
    expect(overview.gateways).toEqual([expect.objectContaining({ isStale: false })]);
  });

  test("has a receipt for the client and one for the operator, and for nobody else", async () => {
    const [client, operator, stranger, rival] = [
      await panel.client(),
      await panel.operator(),
      await panel.client(),
      await panel.operator(),
    ];
    const { sessionId, nodeId } = await carry(client.clientId, operator.operatorId, { up: 1_000_001, down: 2_000_000, failedAttempts: 2 });
    const common = {
      id: sessionId,
      upBytes: 1_000_001n,
      downBytes: 2_000_000n,
      country: "UZ",
      city: "Tashkent",
      connectionType: "wifi",
      failedAttempts: 2,
      closedAt: null,
      targetHost: "example.org",
    };
    const paid = await getReceipt(panel.ctx(client), { id: sessionId });
    expect(paid).toMatchObject({
      ...common,
      amountMicroUsd: 9_000n,
      price: { id: panel.fixtures.priceId, picoUsdPerByte: 3_000n },
      targetPort: 443,
    });
    // Nothing that leads to the device or its owner.
    expect(Object.keys(paid).filter((key) => /address|node|operator/i.test(key))).toEqual([]);
    const earned = await getOperatorReceipt(panel.ctx(operator), { id: sessionId });
    expect(earned).toMatchObject({ ...common, amountMicroUsd: 5_400n, price: { picoUsdPerByte: 1_800n }, nodeId, nodeLabel: "Test node" });
    expect(Object.keys(earned).filter((key) => /client|user|port|tag/i.test(key))).toEqual([]);
    expect(await refusalOf(getReceipt(panel.ctx(stranger), { id: sessionId }))).toBe("NOT_FOUND");
    expect(await refusalOf(getOperatorReceipt(panel.ctx(rival), { id: sessionId }))).toBe("NOT_FOUND");
    expect(await refusalOf(getReceipt(panel.ctx(operator), { id: sessionId }))).toBe("ROLE_FORBIDDEN");
  });

  test("is hidden from another client and another operator, whatever they search for", async () => {
    const [client, operator, otherClient, otherOperator] = [
      await panel.client(),
      await panel.operator(),
      await panel.client(),
      await panel.operator(),
    ];
    const { sessionId, nodeId } = await carry(client.clientId, operator.operatorId, { up: 1, down: 1 });
    for (const search of [sessionId, "example.org", undefined]) {
      const input = search === undefined ? {} : { search };
      expect((await listClientSessions(panel.ctx(otherClient), input)).items).toEqual([]);
      expect((await listOperatorSessions(panel.ctx(otherOperator), input)).items).toEqual([]);
    }
    expect(await listOwnNodeIds(panel.ctx(otherOperator))).toEqual([]);
    expect(await listOwnNodeIds(panel.ctx(operator))).toEqual([nodeId]);
    // An operator cannot find sessions by words that it does not see.
    expect((await listOperatorSessions(panel.ctx(operator), { search: client.email })).items).toEqual([]);
  });
});

describe("an operator's fleet", () => {
  test("shows each node's presence, and retiring ends its keys", async () => {
    const operator = await panel.operator();
    const { nodeId, keyId } = await panel.fixtures.makeNode(operator.operatorId);
    await panel.database.nodePresence.create({
      data: {
        nodeId,
        state: "serving",
        lastSeenAt: new Date(),
        batteryPercent: 80,
        network: "wifi",
        country: "UZ",
        city: "Tashkent",
        publicAddress: "203.0.113.7",
        dayLimitBytes: 5n,
      },
      select: { nodeId: true },
    });
    expect(await listOperatorNodes(panel.ctx(operator))).toEqual([
      expect.objectContaining({
        id: nodeId,
        state: "serving",
        batteryPercent: 80,
        network: "wifi",
        city: "Tashkent",
        dayLimitBytes: 5n,
        earnedTodayMicroUsd: 0n,
      }),
    ]);
    expect((await getOperatorOverview(panel.ctx(operator))).nodesOnline).toBe(1);
    const admin = await panel.admin();
    const found = await listAdminNodes(panel.ctx(admin), { search: "tashkent" });
    expect(found.items).toEqual([expect.objectContaining({ id: nodeId, operatorEmail: operator.email })]);
    await retireNode(panel.ctx(operator), { id: nodeId });
    const key = await panel.database.nodeKey.findUniqueOrThrow({ where: { id: keyId }, select: { revokedAt: true } });
    expect(key.revokedAt).not.toBeNull();
    expect((await getOperatorOverview(panel.ctx(operator))).nodesTotal).toBe(0);
  });

  test("grows by codes that hold the door and a token of which only the hash is kept", async () => {
    const operator = await panel.operator();
    const made = await createEnrolmentCode(panel.ctx(operator), { label: "Phone" });
    const code = readEnrolmentCode(made.code);
    if (code.kind !== "code") throw new Error(code.reason);
    expect(code).toMatchObject({ host: "127.0.0.1", port: 7443 });
    const row = await panel.database.enrolmentToken.findFirstOrThrow({ where: { operatorId: operator.operatorId } });
    expect(Buffer.from(row.tokenHash)).toEqual(hashEnrolmentToken(code.token));
    expect(row.isDemo).toBe(false);
    expect(row.expiresAt.getTime() - row.createdAt.getTime()).toBe(600_000);
    expect(await listEnrolmentCodes(panel.ctx(operator))).toEqual([
      expect.objectContaining({ label: "Phone", usedAt: null, usedByNodeLabel: null }),
    ]);
  });
});

describe("an admin", () => {
  test("who suspends a client ends its sign-ins and stops its side at once, and the audit log says why", async () => {
    const [client, admin] = [await panel.client(), await panel.admin()];
    await suspendUser(panel.ctx(admin), { id: client.userId, reason: "spam complaints" });
    const row = await panel.database.client.findUniqueOrThrow({ where: { id: client.clientId }, select: { status: true } });
    expect(row.status).toBe("suspended");
    const session = await panel.database.signInSession.findUniqueOrThrow({ where: { id: client.sessionId } });
    expect(session.revokedAt).not.toBeNull();
    const [newest] = (await listAudit(panel.ctx(admin), { limit: 1 })).items;
    expect(newest).toMatchObject({
      action: "user.suspend",
      subjectId: client.userId,
      reason: "spam complaints",
      actorEmail: admin.email,
      detail: { signInsEnded: 1 },
    });
  });

  test("finds users by part of their address, and nobody suspends himself", async () => {
    const admin = await panel.admin();
    const found = await listUsers(panel.ctx(admin), { search: admin.email.slice(4, 30).toUpperCase() });
    expect(found.items.map((user) => user.id)).toEqual([admin.userId]);
    await expect(suspendUser(panel.ctx(admin), { id: admin.userId, reason: "by mistake" })).rejects.toThrow("Nobody suspends");
  });

  test("sees that the audit chain is whole, and which row was changed when it is not", async () => {
    const admin = await panel.admin();
    const { seq } = await panel.database.auditLog.findFirstOrThrow({ orderBy: { seq: "asc" }, select: { seq: true } });
    expect(await verifyAudit(panel.ctx(admin))).toMatchObject({ ok: true, firstBadSeq: null });
    await panel.fixtures.pool.query("alter table audit_log disable trigger user");
    await panel.fixtures.pool.query("update audit_log set reason = 'another reason' where seq = $1", [seq]);
    await panel.fixtures.pool.query("alter table audit_log enable trigger user");
    expect(await verifyAudit(panel.ctx(admin))).toMatchObject({ ok: false, firstBadSeq: seq });
  });
});

describe("the demo", () => {
  test("is seeded once: again with the same passwords changes nothing, with others it sets them", async () => {
    const first = await seedDemo(panel.ctx(system), passwords);
    const audits = await panel.countAudits();
    expect(await seedDemo(panel.ctx(system), passwords)).toEqual(first);
    expect(await panel.countAudits()).toBe(audits);
    const { viewer } = await signInWithPassword(panel.ctx(anonymous), { email: demoLogins.client, password: passwords.clientPassword });
    expect(viewer).toMatchObject({ role: "client", isDemo: true });
    const client: Actor = { kind: "client", userId: viewer.id, clientId: first.clientId, sessionId: "sis_test" };
    expect(await getClientOverview(panel.ctx(client))).toMatchObject({
      balanceBytes: 1_000_000_000_000n,
      balanceMicroUsd: 3_000_000_000n,
      proxyUserCount: 1,
    });
    expect(await seedDemo(panel.ctx(system), { ...passwords, clientPassword: "another password" })).toEqual(first);
    await signInWithPassword(panel.ctx(anonymous), { email: demoLogins.client, password: "another password" });
    expect((await getClientOverview(panel.ctx(client))).balanceBytes).toBe(1_000_000_000_000n);
  });

  test("fleet joins with codes that mark its nodes as demo", async () => {
    const { operatorId } = await seedDemo(panel.ctx(system), passwords);
    const codes = await createDemoEnrolments(panel.ctx(system), { operatorId, labels: ["Pixel 8", "Galaxy S24"] });
    expect(codes.map((code) => readEnrolmentCode(code).kind)).toEqual(["code", "code"]);
    const rows = await panel.database.enrolmentToken.findMany({ where: { operatorId, isDemo: true }, select: { label: true } });
    expect(rows.map((row) => row.label).toSorted()).toEqual(["Galaxy S24", "Pixel 8"]);
  });
});
