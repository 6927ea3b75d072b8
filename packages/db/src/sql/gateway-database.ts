/**
 * The data plane's door to PostgreSQL: named statements over one pool, nothing of Prisma.
 *
 * It keeps no state but connections, caches nothing and retries nothing; the caller decides what to do when a call rejects.
 *
 * Limits: 8 connections unless told otherwise, 5 s to connect, 20 s a statement, 25 s until a silent server is given up.
 */
import { newId } from "@karvon/domain";
import type { Pool } from "pg";
import { instant, instantOrNull, toJson, whole } from "./clean.ts";
import { enrolNode } from "./enrol-node.ts";
import { listenForControl } from "./listen.ts";
import { inTransaction, openPool, poolMaxDefault } from "./pool.ts";
import { recordApart } from "./record-apart.ts";
import { recordUsage } from "./record-usage.ts";
import { run, runForOne, type Statement } from "./statement.ts";
import * as statements from "./statements/index.ts";
import type { QuotaTakenRow } from "./statements/take-quota.ts";
import type {
  AssessmentRow,
  GatewayDatabase,
  GatewayDatabaseOptions,
  GatewayFacts,
  HeartbeatRow,
  NodeAuthFacts,
  PresenceRow,
  ProxyUserFacts,
  QuotaAsk,
  QuotaReturn,
  QuotaTaken,
  RefusalRow,
} from "./types.ts";

export function openGatewayDatabase(options: GatewayDatabaseOptions): GatewayDatabase {
  const { url, onError } = options;
  const pool = openPool(url, options.poolMax ?? poolMaxDefault, onError);
  return {
    assertDurable: () => assertDurable(pool),
    registerGateway: (gateway) => registerGateway(pool, gateway),
    stopGateway: async (id) => void (await run(pool, statements.stopGateway, [id])),

    findProxyUser: (username) => findProxyUser(pool, username),
    async findAllowlistedUser(address) {
      const row = await runForOne(pool, statements.findAllowlistedUser, [address]);
      return row && { username: row.username, defaultParameters: row.default_parameters };
    },

    findNodeForAuth: (nodeId, keyId) => findNodeForAuth(pool, nodeId, keyId),
    advanceSessionSeq: async (keyId, seq) => (await run(pool, statements.advanceSessionSeq, [keyId, seq])).length === 1,
    enrolNode: (request) => enrolNode(pool, request),
    savePresence: async (rows) => void (rows.length > 0 && (await run(pool, statements.savePresence, [presenceJson(rows)]))),
    saveHeartbeats: async (rows) => void (rows.length > 0 && (await run(pool, statements.saveHeartbeats, [heartbeatJson(rows)]))),
    markGatewayNodesOffline: async (gatewayId) => void (await run(pool, statements.markGatewayNodesOffline, [gatewayId])),
    withdrawConsent: async (nodeId) => void (await run(pool, statements.withdrawConsent, [nodeId])),
    saveAssessment: (row) => saveAssessment(pool, row),

    recordUsage: (batch) => recordUsage(pool, batch, onError),
    recordApart: (batch) => recordApart(pool, batch, onError),
    takeQuota: (ask) => takeQuota(pool, statements.takeQuota, ask.proxyUserId, ask),
    returnQuota: (given) => returnQuota(pool, statements.returnQuota, given.proxyUserId, given),
    takeTagQuota: (ask) => takeQuota(pool, statements.takeTagQuota, ask.tag, ask),
    returnTagQuota: (given) => returnQuota(pool, statements.returnTagQuota, given.tag, given),
    releaseQuotas: (gatewayId, epoch) => releaseQuotas(pool, gatewayId, epoch),
    recordRefusals: async (rows) => void (rows.length > 0 && (await run(pool, statements.recordRefusals, [refusalJson(rows)]))),

    listBlockRules: () => run(pool, statements.listBlockRules),
    async readControlEpoch() {
      const row = await runForOne(pool, statements.readControlEpoch);
      if (row === null) throw new Error("control_epoch has no row: the database is not migrated");
      return row.epoch;
    },
    listen: (onNotice) => listenForControl(url, onNotice, onError),
    ensurePartitions: async () => void (await run(pool, statements.ensurePartitions)),
    ping: async () => void (await run(pool, statements.ping)),
    close: () => pool.end(),
  };
}

/** `of`: the proxy user's id, or the tag. */
async function takeQuota(pool: Pool, what: Statement<QuotaTakenRow>, of: string, ask: QuotaAsk): Promise<QuotaTaken> {
  const { clientId, gatewayId, epoch, turn, spentBytes, wantBytes } = ask;
  const row = await runForOne(pool, what, [clientId, of, gatewayId, epoch, turn, spentBytes, wantBytes]);
  if (row === null) throw new Error(`${what.name} answered nothing`);
  const { opens_at: at, opens_in_ms: inMs } = row;
  return {
    grantedBytes: Number(row.granted),
    usedBytes: Number(row.used),
    shortOf: row.short_of,
    opens: at === null || inMs === null ? null : { at, inMs },
    isFinal: row.is_final,
  };
}

async function returnQuota(pool: Pool, what: Statement<{ returned: bigint }>, of: string, given: QuotaReturn): Promise<void> {
  const { clientId, gatewayId, epoch, turn, spentBytes } = given;
  await run(pool, what, [clientId, of, gatewayId, epoch, turn, spentBytes]);
}

async function releaseQuotas(pool: Pool, gatewayId: string, epoch: bigint): Promise<{ settled: bigint; lost: bigint }> {
  await run(pool, statements.releaseTagQuotas, [gatewayId, epoch]);
  return (await runForOne(pool, statements.releaseQuotas, [gatewayId, epoch])) ?? { settled: 0n, lost: 0n };
}

async function assertDurable(pool: Pool): Promise<void> {
  const row = await runForOne(pool, statements.assertDurable);
  if (row === null) throw new Error("the server does not answer");
  // "local" still waits for this server's disk; only "off" answers before.
  const weak = Object.entries(row).filter(([, value]) => value === "off");
  if (weak.length > 0) {
    throw new Error(
      `PostgreSQL may lose committed charges (${weak.map(([name]) => `${name} is off`).join(", ")}): switch that on, or nothing is charged.`,
    );
  }
}

/** Also closes the sessions that the run before left open. */
async function registerGateway(pool: Pool, gateway: GatewayFacts): Promise<void> {
  await inTransaction(pool, async (client) => {
    const taken = await run(client, statements.registerGateway, [gateway.id, gateway.epoch, gateway.opsUrl]);
    if (taken.length === 0) throw new Error(`a newer run of gateway ${gateway.id} is registered: two gateways use the same id`);
    await run(client, statements.closeOrphanSessions, [gateway.id, gateway.epoch]);
  });
}

async function findProxyUser(pool: Pool, username: string): Promise<ProxyUserFacts | null> {
  const row = await runForOne(pool, statements.findProxyUser, [username]);
  if (row === null) return null;
  return {
    proxyUserId: row.proxy_user_id,
    clientId: row.client_id,
    username: row.username,
    secretHash: row.secret_hash,
    isEnabled: row.is_enabled,
    isClientActive: row.is_client_active,
    isKycMissing: row.is_kyc_missing,
    countries: row.countries,
    allowedSources: row.allowed_sources,
    allowedHosts: row.allowed_hosts,
    concurrencyMax: row.concurrency_max,
    clientConcurrencyMax: row.client_concurrency_max,
    trafficLimitBytes: row.traffic_limit_bytes,
    usedBytes: row.used_bytes,
    caps: row.caps,
    tagCaps: row.tag_caps,
    priceId: row.price_id,
    balanceBytes: row.balance_bytes,
    walletBytes: row.wallet_bytes,
    interimCreditBytes: row.interim_credit_bytes,
  };
}

async function findNodeForAuth(pool: Pool, nodeId: string, keyId: string): Promise<NodeAuthFacts | null> {
  const row = await runForOne(pool, statements.findNodeForAuth, [nodeId, keyId]);
  if (row === null) return null;
  return {
    nodeId: row.node_id,
    operatorId: row.operator_id,
    label: row.label,
    status: row.status,
    operatorActive: row.operator_active,
    keyId: row.key_id,
    algorithm: row.algorithm,
    publicKey: row.public_key,
    sessionSeq: row.session_seq,
    isDemo: row.is_demo,
    trustTier: row.trust_tier,
  };
}

async function saveAssessment(pool: Pool, row: AssessmentRow): Promise<void> {
  await run(pool, statements.saveAssessment, [
    newId("ipa"),
    row.address,
    row.nodeId,
    row.country,
    row.region,
    row.city,
    row.latitude,
    row.longitude,
    row.asn,
    row.asnName,
    row.connectionType,
    row.verdict,
    whole(row.score),
    toJson(row.reasons),
    row.dataVersion,
  ]);
}

/** The newest row of each node: one statement may not write the same row twice. */
function presenceJson(rows: readonly PresenceRow[]): string {
  const newest = new Map<string, PresenceRow>();
  for (const row of rows) {
    const known = newest.get(row.nodeId);
    if (known === undefined || known.lastSeenAtMs <= row.lastSeenAtMs) newest.set(row.nodeId, row);
  }
  return toJson(
    [...newest.values()].map(({ connectedAtMs, lastSeenAtMs, ...row }) => ({
      ...row,
      connectedAt: instantOrNull(connectedAtMs),
      lastSeenAt: instant(lastSeenAtMs),
      batteryPercent: whole(row.batteryPercent),
      asn: whole(row.asn),
      score: whole(row.score),
      rttMs: whole(row.rttMs),
      openStreams: whole(row.openStreams) ?? 0,
      dayBytes: whole(row.dayBytes) ?? 0,
      dayLimitBytes: whole(row.dayLimitBytes),
    })),
  );
}

function heartbeatJson(rows: readonly HeartbeatRow[]): string {
  return toJson(
    rows.map(({ atMs, ...row }) => ({
      ...row,
      at: instant(atMs),
      batteryPercent: whole(row.batteryPercent),
      rttMs: whole(row.rttMs),
      openStreams: whole(row.openStreams) ?? 0,
      dayBytes: whole(row.dayBytes) ?? 0,
    })),
  );
}

function refusalJson(rows: readonly RefusalRow[]): string {
  return toJson(rows.map(({ atMs, ...row }) => ({ ...row, at: instant(atMs), targetPort: whole(row.targetPort) })));
}
