/**
 * The Pocket's side at the gateway: what devices report about themselves, and where they are now, kept for the panels.
 *
 * A report decides at once whether the node gets sessions. A withdrawal of consent closes the node in the same turn and is
 * written down until the database has it. Presence is written in batches, so that a fleet costs one statement every few
 * seconds; nothing here is needed to carry traffic.
 *
 * Limits: presence every 3 s and for a node that changed nothing every 15 s; one heartbeat per node and minute; 10,000
 * withdrawals wait for a database that is away.
 */
import type { GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import type { ControlPayloads } from "@karvon/wire";
import type { NodeDirectory } from "../router/node-directory.ts";
import { connectionTypeOf, type LiveNode } from "../tunnel/live-node.ts";
import { assessmentRow, heartbeatRow, offlineRow, onlineRow, readReport } from "./node-rows.ts";

export interface Pocket {
  /** The node is in rotation, or its standing changed. */
  joined(node: LiveNode): void;
  reported(node: LiveNode, status: ControlPayloads["status"]): void;
  /** Consent is withdrawn: the caller has closed the node already. */
  withdrawn(node: LiveNode): void;
  left(node: LiveNode): void;
  /** Another process has the node now and describes it. */
  handedOver(node: LiveNode): void;
  /** Writes what changed. Never rejects; what could not be written is written next time. */
  flush(): Promise<void>;
}

export interface PocketOptions {
  readonly gatewayId: string;
  readonly database: Pick<GatewayDatabase, "savePresence" | "saveHeartbeats" | "withdrawConsent" | "saveAssessment">;
  readonly directory: NodeDirectory<LiveNode>;
  readonly log: Logger;
  readonly nowMs: () => number;
}

export const presenceEveryMs = 3_000;
const refreshMs = 15_000;
const heartbeatMs = 60_000;
const withdrawalsMax = 10_000;

export function createPocket(options: PocketOptions): Pocket {
  return new PocketDesk(options);
}

class PocketDesk implements Pocket {
  readonly #options: PocketOptions;
  readonly #changed = new Set<LiveNode>();
  readonly #left = new Map<string, LiveNode>();
  readonly #withdrawals = new Set<string>();
  readonly #savedAtMs = new WeakMap<LiveNode, number>();
  readonly #heartbeatAtMs = new WeakMap<LiveNode, number>();

  constructor(options: PocketOptions) {
    this.#options = options;
  }

  joined(node: LiveNode): void {
    this.#changed.add(node);
    this.#left.delete(node.nodeId);
    if (this.#savedAtMs.has(node)) return;
    void this.#try("assessment", () => this.#options.database.saveAssessment(assessmentRow(node)));
  }

  reported(node: LiveNode, status: ControlPayloads["status"]): void {
    const wasServing = node.isServing;
    const { connectionType } = node;
    node.lastSeenAtMs = this.#options.nowMs();
    node.report = readReport(status, node.lastSeenAtMs);
    node.connectionType = connectionTypeOf(node.report.network, node.place.lineType);
    this.#changed.add(node);
    if (wasServing !== node.isServing || connectionType !== node.connectionType) this.#options.directory.changed(node);
  }

  withdrawn(node: LiveNode): void {
    const { log } = this.#options;
    log.info({ event: "consent.withdrawn", nodeId: node.nodeId, operatorId: node.operatorId });
    if (this.#withdrawals.size < withdrawalsMax) this.#withdrawals.add(node.nodeId);
    else log.error({ event: "consent.withdrawal-dropped", nodeId: node.nodeId });
    void this.#try("withdrawal", () => this.#saveWithdrawals());
  }

  handedOver(node: LiveNode): void {
    this.#changed.delete(node);
  }

  left(node: LiveNode): void {
    this.#changed.delete(node);
    this.#left.set(node.nodeId, node);
  }

  async flush(): Promise<void> {
    const nowMs = this.#options.nowMs();
    await this.#try("presence", () => this.#savePresence(nowMs));
    await this.#try("heartbeats", () => this.#saveHeartbeats(nowMs));
    await this.#try("withdrawals", () => this.#saveWithdrawals());
  }

  async #savePresence(nowMs: number): Promise<void> {
    const { directory, database, gatewayId } = this.#options;
    const isDue = (node: LiveNode): boolean => this.#changed.has(node) || nowMs - (this.#savedAtMs.get(node) ?? 0) >= refreshMs;
    const due = [...directory.list()].filter(isDue);
    const gone = [...this.#left.values()].filter((node) => directory.find(node.nodeId) === null);
    if (due.length + gone.length === 0) return;
    // Before the write: what changes while it is under way is written next time.
    for (const node of due) this.#changed.delete(node);
    try {
      await database.savePresence([
        ...due.map((node) => onlineRow(gatewayId, node, nowMs)),
        ...gone.map((node) => offlineRow(node, nowMs)),
      ]);
    } catch (cause) {
      for (const node of due) this.#changed.add(node);
      throw cause;
    }
    for (const node of due) this.#savedAtMs.set(node, nowMs);
    for (const node of gone) if (this.#left.get(node.nodeId) === node) this.#left.delete(node.nodeId);
  }

  async #saveHeartbeats(nowMs: number): Promise<void> {
    const isDue = (node: LiveNode): boolean => node.report !== null && nowMs - (this.#heartbeatAtMs.get(node) ?? 0) >= heartbeatMs;
    const due = [...this.#options.directory.list()].filter(isDue);
    if (due.length === 0) return;
    await this.#options.database.saveHeartbeats(due.map(heartbeatRow));
    for (const node of due) this.#heartbeatAtMs.set(node, nowMs);
  }

  async #saveWithdrawals(): Promise<void> {
    for (const nodeId of this.#withdrawals) {
      await this.#options.database.withdrawConsent(nodeId);
      this.#withdrawals.delete(nodeId);
    }
  }

  async #try(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      this.#options.log.warn({ event: "pocket.write-failed", what, cause });
    }
  }
}
