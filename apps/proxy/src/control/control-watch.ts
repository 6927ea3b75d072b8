/**
 * Obeys what admins, operators and clients change: hears of it by notice, and by polling when a notice was lost.
 *
 * A notice is acted on at once. Every 5 s the control epoch is compared; when it moved, everything that this gateway
 * remembers is asked for again: users in use, nodes in rotation, block rules. So a change takes effect within 10 s even
 * if nothing was heard, except the end of a single session, which only its notice can name.
 *
 * It never rejects: while the database is away the last answers stand.
 */
import type { ControlNotice, GatewayDatabase } from "@karvon/db/sql";
import type { Logger } from "@karvon/telemetry";
import type { SessionLog } from "../radar/session-log.ts";
import type { NodeDirectory } from "../router/node-directory.ts";
import type { BlockRules } from "../session/block-rules.ts";
import type { Credentials } from "../session/credentials.ts";
import type { LiveNode } from "../tunnel/live-node.ts";

export interface ControlWatch {
  /** Reads everything once; rejects when the database is away, which at start is a reason not to serve. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface ControlWatchOptions {
  readonly database: Pick<GatewayDatabase, "listen" | "readControlEpoch" | "listBlockRules">;
  readonly credentials: Credentials;
  readonly directory: NodeDirectory<LiveNode>;
  readonly sessions: SessionLog;
  readonly blockRules: BlockRules;
  readonly recheckNode: (node: LiveNode) => Promise<void>;
  /** Ends sessions whose accounts may move nothing more. */
  readonly enforce: () => void;
  readonly log: Logger;
}

export const pollEveryMs = 5_000;

export function createControlWatch(options: ControlWatchOptions): ControlWatch {
  return new Watch(options);
}

class Watch implements ControlWatch {
  readonly #options: ControlWatchOptions;
  #epoch: bigint | null = null;
  #isResyncing = false;
  #timer: NodeJS.Timeout | null = null;
  #listener: { close(): Promise<void> } | null = null;

  constructor(options: ControlWatchOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { database, log } = this.#options;
    this.#epoch = await database.readControlEpoch();
    await this.#loadBlockRules();
    this.#listener = database.listen((notice) => {
      log.info({ event: "control.notice", kind: notice.kind, id: notice.id });
      this.#quietly(this.#obey(notice), notice.kind);
    });
    this.#timer = setInterval(() => this.#quietly(this.#poll(), "poll"), pollEveryMs);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#listener?.close();
  }

  async #obey({ kind, id }: ControlNotice): Promise<void> {
    const { credentials, sessions, enforce } = this.#options;
    switch (kind) {
      case "client":
        await credentials.reload((account) => account.client.clientId === id);
        return enforce();
      case "proxy_user":
        credentials.forgetStrangers();
        await credentials.reload((account) => account.proxyUserId === id);
        return enforce();
      case "node":
        // An operator's id stands for all of its nodes.
        return this.#recheckNodes((node) => node.nodeId === id || node.operatorId === id);
      case "session":
        return sessions.find(id)?.line.cut("ended_by_admin");
      case "block_rule":
        return this.#loadBlockRules();
      case "resync":
        return void (await this.#resync());
    }
  }

  async #poll(): Promise<void> {
    const now = await this.#options.database.readControlEpoch();
    if (now !== this.#epoch && (await this.#resync())) this.#epoch = now;
  }

  /** False while another one is at it, which may have asked before the last change. */
  async #resync(): Promise<boolean> {
    if (this.#isResyncing) return false;
    this.#isResyncing = true;
    try {
      const { credentials, enforce } = this.#options;
      credentials.forgetStrangers();
      await credentials.reload(() => true);
      enforce();
      await this.#recheckNodes(() => true);
      await this.#loadBlockRules();
      return true;
    } finally {
      this.#isResyncing = false;
    }
  }

  async #recheckNodes(isConcerned: (node: LiveNode) => boolean): Promise<void> {
    for (const node of [...this.#options.directory.list()].filter(isConcerned)) await this.#options.recheckNode(node);
  }

  async #loadBlockRules(): Promise<void> {
    const { blockRules, database, sessions, log } = this.#options;
    for (const { id, kind, pattern } of blockRules.replace(await database.listBlockRules())) {
      log.warn({ event: "block-rule.unreadable", id, kind, pattern });
    }
    for (const session of sessions.listOpen()) {
      const { targetHost, targetPort } = session.facts;
      const refusal = blockRules.refuseTarget(targetHost, targetPort) ?? blockRules.refuseAddress(session.targetAddress);
      if (refusal !== null) session.line.cut(refusal.code);
    }
  }

  #quietly(work: Promise<void>, what: string): void {
    work.catch((cause: unknown) => this.#options.log.warn({ event: "control.failed", what, cause }));
  }
}
