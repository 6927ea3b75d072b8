import { createHash, randomBytes } from "node:crypto";
import { newId } from "@karvon/domain";
import { until } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { counterOf, openUsageWorld, type UsageWorld } from "../testing/usage-world.ts";
import { openGatewayDatabase, type ControlNotice, type EnrolmentRequest, type PresenceRow } from "./index.ts";

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
afterAll(() => world.close());

async function readRows(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const result = await world.fixtures.pool.query<Record<string, unknown>>(text, values);
  return result.rows;
}

describe("gateway", () => {
  test("accepts a server that keeps what it commits, and refuses one that may not", async () => {
    await world.db.assertDurable();
    const url = new URL(world.url);
    url.searchParams.set("options", "-c synchronous_commit=off");
    const weak = openGatewayDatabase({ url: url.href, onError: () => undefined });
    await expect(weak.assertDurable()).rejects.toThrow("synchronous_commit is off");
    await weak.close();
  });

  test("closes the sessions that its run before left open, and only those", async () => {
    const [mine, other] = [world.makeFacts(), world.makeFacts()];
    const otherGateway = await world.fixtures.makeGateway();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(mine, 1, 1)], [mine]));
    await world.db.recordUsage(world.makeBatch(1, [counterOf(other, 1, 1)], [other], { gatewayId: otherGateway }));
    await world.db.registerGateway({ id: world.gatewayId, epoch: BigInt(Date.now()), opsUrl: "http://127.0.0.1:9" });
    expect(await readRows("SELECT close_reason FROM proxy_session WHERE id = $1", [mine.id])).toEqual([{ close_reason: "gateway_lost" }]);
    expect(await readRows("SELECT close_reason FROM proxy_session WHERE id = $1", [other.id])).toEqual([{ close_reason: null }]);
  });

  test("refuses to take the place of a newer run, and remembers when it stopped", async () => {
    const id = newId("gwy");
    await world.db.registerGateway({ id, epoch: 2_000n, opsUrl: "http://a" });
    await expect(world.db.registerGateway({ id, epoch: 1_000n, opsUrl: "http://b" })).rejects.toThrow("two gateways use the same id");
    await world.db.stopGateway(id);
    expect(await readRows("SELECT epoch, ops_url, stopped_at IS NOT NULL AS stopped FROM gateway WHERE id = $1", [id])).toEqual([
      { epoch: 2_000n, ops_url: "http://a", stopped: true },
    ]);
  });
});

describe("proxy user", () => {
  test("brings everything that admission needs", async () => {
    const { clientId } = await world.fixtures.makeClient();
    const secretHash = randomBytes(32);
    const { proxyUserId, username } = await world.fixtures.makeProxyUser(clientId, { secretHash, trafficLimitBytes: 77n });
    const facts = {
      proxyUserId,
      clientId,
      username,
      secretHash,
      isEnabled: true,
      isClientActive: true,
      isKycMissing: false,
      countries: [],
      allowedSources: [],
      allowedHosts: [],
      concurrencyMax: null,
      clientConcurrencyMax: 500,
    };
    expect(await world.db.findProxyUser(username)).toEqual({
      ...facts,
      caps: "77,,",
      tagCaps: "",
      trafficLimitBytes: 77n,
      usedBytes: 0n,
      priceId: world.fixtures.priceId,
      balanceBytes: 0n,
      walletBytes: 0n,
      interimCreditBytes: 0n,
    });
    await world.fixtures.credit(clientId, 900n);
    await world.fixtures.pool.query("UPDATE client SET status = 'suspended' WHERE id = $1", [clientId]);
    await world.fixtures.pool.query("UPDATE proxy_user SET status = 'disabled' WHERE id = $1", [proxyUserId]);
    expect(await world.db.findProxyUser(username)).toMatchObject({ isEnabled: false, isClientActive: false, balanceBytes: 900n });
    await world.fixtures.pool.query("UPDATE client SET kyc_required = true, countries = '{DE}' WHERE id = $1", [clientId]);
    await world.fixtures.pool.query(
      "UPDATE proxy_user SET allowed_sources = '{192.0.2.0/24}', allowed_hosts = '{example.com}' WHERE id = $1",
      [proxyUserId],
    );
    const rules = { isKycMissing: true, countries: ["DE"], allowedSources: ["192.0.2.0/24"], allowedHosts: ["example.com"] };
    expect(await world.db.findProxyUser(username)).toMatchObject(rules);
    await world.fixtures.pool.query("UPDATE client SET kyc_tier = 1 WHERE id = $1", [clientId]);
    expect(await world.db.findProxyUser(username)).toMatchObject({ ...rules, isKycMissing: false });
    expect(await world.db.findProxyUser("nobody")).toBeNull();
  });
});

describe("node", () => {
  test("is found by its id and its key together, and not by a revoked key", async () => {
    const { nodeId, keyId } = await world.fixtures.makeNode(world.operatorId);
    expect(await world.db.findNodeForAuth(nodeId, keyId)).toMatchObject({
      nodeId,
      keyId,
      operatorId: world.operatorId,
      status: "active",
      operatorActive: true,
      algorithm: "ed25519",
      sessionSeq: 0n,
      trustTier: "software",
    });
    expect(await world.db.findNodeForAuth(world.nodeId, keyId)).toBeNull();
    await world.fixtures.pool.query("UPDATE node_key SET revoked_at = now() WHERE id = $1", [keyId]);
    expect(await world.db.findNodeForAuth(nodeId, keyId)).toBeNull();
  });

  test("of twenty connections with the same session number one gets through, and no older number ever does", async () => {
    const { keyId } = await world.fixtures.makeNode(world.operatorId);
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.db.advanceSessionSeq(keyId, 5n)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await world.db.advanceSessionSeq(keyId, 4n)).toBe(false);
    expect(await world.db.advanceSessionSeq(keyId, 6n)).toBe(true);
  });
});

describe("enrolment", () => {
  function makeRequest(token: Buffer, some: Partial<EnrolmentRequest> = {}): EnrolmentRequest {
    const publicKey = randomBytes(91);
    const consent = {
      version: "2026-01",
      textSha256: randomBytes(32),
      acceptedAt: new Date("2026-05-05T10:00:00.123Z"),
      signature: randomBytes(64),
    };
    const device = { platform: "android", model: "Pixel\u0000 9", agentVersion: "0.1.0", label: null };
    const key = { algorithm: "p256" as const, publicKey, fingerprint: createHash("sha256").update(publicKey).digest() };
    return { tokenHash: createHash("sha256").update(token).digest(), ...device, ...key, consent, ...some };
  }

  async function makeToken(expiresInMs?: number, operatorId = world.operatorId): Promise<Buffer> {
    const token = randomBytes(16);
    await world.fixtures.makeEnrolmentToken(operatorId, createHash("sha256").update(token).digest(), expiresInMs);
    return token;
  }

  test("makes the node with its key, receipt and audit row, and uses the code up", async () => {
    const token = await makeToken();
    const request = makeRequest(token);
    const outcome = await world.db.enrolNode(request);
    if (outcome.kind !== "enrolled") throw new Error(outcome.reason);
    expect(outcome).toMatchObject({ operatorId: world.operatorId, operatorName: "Test operator", isDemo: false, label: "Pixel\u{FFFD} 9" });
    expect(await world.db.findNodeForAuth(outcome.nodeId, outcome.keyId)).toMatchObject({
      publicKey: request.publicKey,
      algorithm: "p256",
      label: "Pixel\u{FFFD} 9",
    });
    expect(await readRows("SELECT version, accepted_at, withdrawn_at FROM consent_receipt WHERE node_id = $1", [outcome.nodeId])).toEqual([
      { version: "2026-01", accepted_at: new Date("2026-05-05T10:00:00.123Z"), withdrawn_at: null },
    ]);
    expect(await readRows("SELECT action, actor_role FROM audit_log WHERE subject_id = $1", [outcome.nodeId])).toEqual([
      { action: "node.enrol", actor_role: "node" },
    ]);
    expect(await world.db.enrolNode(makeRequest(token))).toEqual({ kind: "refused", reason: "token_used" });
  });

  test("one of ten devices with the same code joins", async () => {
    const token = await makeToken();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => world.db.enrolNode(makeRequest(token))));
    expect(outcomes.filter(({ kind }) => kind === "enrolled")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === "refused" && outcome.reason === "token_used")).toHaveLength(9);
  });

  test("refuses an unknown and an expired code, a suspended operator and a key that is known, and keeps the code", async () => {
    expect(await world.db.enrolNode(makeRequest(randomBytes(16)))).toEqual({ kind: "refused", reason: "token_unknown" });
    expect(await world.db.enrolNode(makeRequest(await makeToken(-1)))).toEqual({ kind: "refused", reason: "token_expired" });
    const { operatorId } = await world.fixtures.makeOperator();
    const token = await makeToken(undefined, operatorId);
    await world.fixtures.pool.query("UPDATE operator SET status = 'suspended' WHERE id = $1", [operatorId]);
    expect(await world.db.enrolNode(makeRequest(token))).toEqual({ kind: "refused", reason: "operator_suspended" });
    await world.fixtures.pool.query("UPDATE operator SET status = 'active' WHERE id = $1", [operatorId]);
    const first = makeRequest(await makeToken());
    await world.db.enrolNode(first);
    const { publicKey, fingerprint } = first;
    expect(await world.db.enrolNode(makeRequest(token, { publicKey, fingerprint }))).toEqual({ kind: "refused", reason: "key_known" });
    expect(await world.db.enrolNode(makeRequest(token))).toMatchObject({ kind: "enrolled" });
  });

  test("withdrawing consent retires the node, revokes its key, ends its receipt and tells every gateway, once", async () => {
    const notices: ControlNotice[] = [];
    const listening = world.db.listen((notice) => notices.push(notice));
    const outcome = await world.db.enrolNode(makeRequest(await makeToken()));
    if (outcome.kind !== "enrolled") throw new Error(outcome.reason);
    await until(
      async () =>
        (await readRows("SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN karvon_control' AND datname = current_database()")).length ===
        1,
    );
    const before = await world.db.readControlEpoch();
    await world.db.withdrawConsent(outcome.nodeId);
    await world.db.withdrawConsent(outcome.nodeId);
    expect(await world.db.readControlEpoch()).toBe(before + 1n);
    await until(() => notices.length > 0);
    expect(notices).toEqual([{ kind: "node", id: outcome.nodeId }]);
    expect(await world.db.findNodeForAuth(outcome.nodeId, outcome.keyId)).toBeNull();
    expect(await readRows("SELECT status FROM node WHERE id = $1", [outcome.nodeId])).toEqual([{ status: "retired" }]);
    expect(
      await readRows("SELECT 1 AS one FROM audit_log WHERE subject_id = $1 AND action = 'consent.withdraw'", [outcome.nodeId]),
    ).toHaveLength(1);
    await listening.close();
  });
});

describe("presence", () => {
  function makePresence(nodeId: string, some: Partial<PresenceRow> = {}): PresenceRow {
    const power = { batteryPercent: 80, isCharging: false, network: "wifi" as const, isMetered: false };
    const place = {
      publicAddress: "203.0.113.9",
      country: "DE",
      region: "BE",
      city: "Berlin",
      latitude: 52.5,
      longitude: 13.4,
      asn: 3320,
      asnName: "DTAG",
    };
    const load = { score: 90, rttMs: 12.6, openStreams: 3, dayBytes: 10, dayLimitBytes: null };
    return {
      nodeId,
      gatewayId: world.gatewayId,
      state: "serving",
      stateReason: null,
      connectedAtMs: 1_000,
      lastSeenAtMs: 2_000,
      ...power,
      ...place,
      ...load,
      ...some,
    };
  }

  test("keeps the newest word about a node, whatever order it comes in, and passes over nodes that do not exist", async () => {
    await world.db.savePresence([
      makePresence(world.nodeId, { lastSeenAtMs: 5_000, country: "FR" }),
      makePresence("nod_gone"),
      makePresence(world.nodeId, { lastSeenAtMs: 4_000 }),
    ]);
    await world.db.savePresence([makePresence(world.nodeId, { lastSeenAtMs: 3_000, country: "IT" })]);
    expect(await readRows("SELECT country, rtt_ms, gateway_id FROM node_presence WHERE node_id = $1", [world.nodeId])).toEqual([
      { country: "FR", rtt_ms: 13, gateway_id: world.gatewayId },
    ]);
    await world.db.savePresence([]);
  });

  test("a gateway that stops takes offline only the nodes that it holds", async () => {
    const elsewhere = await world.fixtures.makeNode(world.operatorId);
    await world.db.savePresence([
      makePresence(world.nodeId, { lastSeenAtMs: 9_000 }),
      makePresence(elsewhere.nodeId, { gatewayId: "gwy_other" }),
    ]);
    await world.db.markGatewayNodesOffline(world.gatewayId);
    const found = await readRows("SELECT node_id, state, gateway_id FROM node_presence WHERE node_id = ANY ($1)", [
      [world.nodeId, elsewhere.nodeId],
    ]);
    expect(new Map(found.map((row) => [row["node_id"], [row["state"], row["gateway_id"]]]))).toEqual(
      new Map([
        [world.nodeId, ["offline", null]],
        [elsewhere.nodeId, ["serving", "gwy_other"]],
      ]),
    );
  });

  test("stores a heartbeat and a refusal once, however often they are sent", async () => {
    const beat = {
      nodeId: world.nodeId,
      atMs: Date.now(),
      batteryPercent: 130,
      isCharging: null,
      network: "cellular" as const,
      rttMs: null,
      openStreams: 0,
      dayBytes: 5,
    };
    await world.db.saveHeartbeats([beat]);
    await world.db.saveHeartbeats([beat]);
    expect(await readRows("SELECT battery_percent FROM heartbeat")).toEqual([{ battery_percent: 100 }]);
    const who = { gatewayId: world.gatewayId, clientId: world.clientId, proxyUserId: null };
    const refusal = {
      id: newId("ses"),
      atMs: Date.now(),
      ...who,
      code: "no_exit",
      detail: "none in \u0000",
      protocol: "socks5",
      targetHost: null,
      targetPort: null,
      clientAddress: null,
    };
    await world.db.recordRefusals([refusal]);
    await world.db.recordRefusals([refusal, { ...refusal, id: newId("ses") }]);
    expect(await readRows("SELECT detail FROM proxy_refusal")).toEqual([{ detail: "none in \u{FFFD}" }, { detail: "none in \u{FFFD}" }]);
  });

  test("stores an assessment with its reasons", async () => {
    const place = { country: "DE", region: null, city: null, latitude: null, longitude: null, asn: 3320, asnName: "DTAG" };
    await world.db.saveAssessment({
      address: "203.0.113.9",
      nodeId: world.nodeId,
      ...place,
      connectionType: "wifi",
      verdict: "residential",
      score: 91,
      reasons: [{ rule: "asn" }],
      dataVersion: "2026-05",
    });
    expect(await readRows("SELECT host(address) AS address, reasons, score FROM ip_assessment")).toEqual([
      { address: "203.0.113.9", reasons: [{ rule: "asn" }], score: 91 },
    ]);
  });
});

describe("control", () => {
  test("lists the rules that hold now", async () => {
    const add = (id: string, expires: string | null, revoked: string | null) =>
      world.fixtures.pool.query(
        "INSERT INTO block_rule (id, kind, pattern, reason, created_by, expires_at, revoked_at) VALUES ($1, 'host', 'bad.example', 'abuse', 'usr_a', $2, $3)",
        [id, expires, revoked],
      );
    await add("blk_a", null, null);
    await add("blk_b", "2999-01-01", null);
    await add("blk_c", "2001-01-01", null);
    await add("blk_d", null, "2001-01-01");
    expect(await world.db.listBlockRules()).toEqual(
      ["blk_a", "blk_b"].map((id) => ({ id, kind: "host", pattern: "bad.example", reason: "abuse" })),
    );
  });

  test("hears notices at the commit, not before, and says resync when the connection broke", async () => {
    const notices: ControlNotice[] = [];
    const before = world.errors.length;
    const listening = world.db.listen((notice) => notices.push(notice));
    const isListening = async () =>
      (await readRows("SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN karvon_control' AND datname = current_database()")).at(0);
    await until(isListening);
    const client = await world.fixtures.pool.connect();
    await client.query("BEGIN");
    await client.query("SELECT karvon_notify('client', 'cli_x')");
    await client.query("ROLLBACK");
    await client.query("BEGIN");
    await client.query("SELECT karvon_notify('proxy_user', 'pxu_y')");
    await client.query("COMMIT");
    client.release();
    await until(() => notices.length > 0);
    expect(notices).toEqual([{ kind: "proxy_user", id: "pxu_y" }]);
    await world.fixtures.pool.query(
      "SELECT pg_notify('karvon_control', 'not json'), pg_notify('karvon_control', '{\"kind\":\"else\",\"id\":\"x\"}')",
    );
    await world.fixtures.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN karvon_control' AND datname = current_database()",
    );
    await until(() => notices.length > 1);
    expect(notices.at(-1)).toEqual({ kind: "resync", id: "" });
    expect(world.errors.length).toBeGreaterThan(before);
    await world.fixtures.pool.query("SELECT karvon_notify('session', 'ses_z')");
    await until(() => notices.at(-1)?.id === "ses_z");
    await listening.close();
  });

  test("forty changes at once raise the epoch by forty", async () => {
    const before = await world.db.readControlEpoch();
    await Promise.all(Array.from({ length: 40 }, () => world.fixtures.pool.query("SELECT karvon_notify('node', 'nod_a')")));
    expect(await world.db.readControlEpoch()).toBe(before + 40n);
    await expect(world.fixtures.pool.query("SELECT karvon_notify('weather', 'x')")).rejects.toThrow("knows no kind");
  });

  test("survives the end of every pooled connection", async () => {
    await world.db.ping();
    await world.fixtures.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'karvon-gateway' AND datname = current_database()",
    );
    await until(() => world.db.ping().then(() => true));
  });
});

describe("partitions", () => {
  test("hold the months ahead, and rows that came before their month move over", async () => {
    const future = "2031-07-15T12:00:00Z";
    const facts = world.makeFacts({ openedAtMs: Date.parse(future) });
    const gatewayId = await world.fixtures.makeGateway();
    await world.db.recordUsage(world.makeBatch(1, [counterOf(facts, 5, 5)], [facts], { gatewayId, sampledAtMs: Date.parse(future) }));
    const where = "SELECT tableoid::regclass::text AS part FROM proxy_session WHERE id = $1";
    expect(await readRows(where, [facts.id])).toEqual([{ part: "proxy_session_default" }]);
    await world.db.ensurePartitions();
    // The same function, told that it is July 2031.
    const [source] = await readRows("SELECT pg_get_functiondef('karvon_ensure_partitions'::regproc) AS text");
    await world.fixtures.pool.query(
      String(source?.["text"]).replaceAll("karvon_ensure_partitions", "ensure_in_2031").replaceAll("now()", `'${future}'::timestamptz`),
    );
    expect(await readRows("SELECT ensure_in_2031(0) AS made")).toEqual([{ made: 4 }]);
    expect(await readRows(where, [facts.id])).toEqual([{ part: "proxy_session_y2031m07" }]);
    expect(await readRows("SELECT ensure_in_2031(0) AS made")).toEqual([{ made: 0 }]);
    await world.db.recordUsage(world.makeBatch(2, [counterOf(facts, 6, 6)], [], { gatewayId, sampledAtMs: Date.parse(future) }));
    await expect(world.fixtures.pool.query("UPDATE proxy_session SET up_bytes = 0 WHERE id = $1", [facts.id])).rejects.toThrow(
      "never shrink",
    );
    expect(await world.readFaults()).toEqual({});
  });
});
