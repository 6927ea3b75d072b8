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
  readonly directory: NodeDirectory;
  readonly sessions: SessionLog;
  readonly blockRules: BlockRules;
  readonly recheckNode: (node: LiveNode) => Promise<void>;
  /** Ends sessions whose accounts may move nothing more. */
  readonly enforce: () => void;
  readonly log: Logger;
}

export const pollEveryMs = 5_000;

export function createControlWatch(options: ControlWatchOptions): ControlWatch {
  const { credentials, directory, sessions, blockRules, log } = options;
  let epoch: bigint | null = null;
  let isResyncing = false;
  let timer: NodeJS.Timeout | null = null;
  let listener: { close(): Promise<void> } | null = null;

  async function loadBlockRules(): Promise<void> {
    for (const row of blockRules.replace(await options.database.listBlockRules())) {
      log.warn({ event: "block-rule.unreadable", id: row.id, kind: row.kind, pattern: row.pattern });
    }
    for (const session of sessions.listOpen()) {
      if (blockRules.refuseTarget(session.facts.targetHost, session.facts.targetPort) !== null) session.cut("target_blocked");
    }
  }

  async function recheckNodes(isConcerned: (node: LiveNode) => boolean): Promise<void> {
    for (const node of [...directory.list()].filter(isConcerned)) await options.recheckNode(node);
  }

  async function resync(): Promise<void> {
    if (isResyncing) return;
    isResyncing = true;
    try {
      credentials.forgetStrangers();
      await credentials.reload(() => true);
      options.enforce();
      await recheckNodes(() => true);
      await loadBlockRules();
    } finally {
      isResyncing = false;
    }
  }

  async function obey({ kind, id }: ControlNotice): Promise<void> {
    switch (kind) {
      case "client":
        await credentials.reload((facts) => facts.clientId === id);
        return options.enforce();
      case "proxy_user":
        credentials.forgetStrangers();
        await credentials.reload((facts) => facts.proxyUserId === id);
        return options.enforce();
      case "node":
        return recheckNodes((node) => node.nodeId === id || node.operatorId === id);
      case "session":
        return sessions.find(id)?.cut("ended_by_admin");
      case "block_rule":
        return loadBlockRules();
      case "resync":
        return resync();
    }
  }

  async function poll(): Promise<void> {
    const now = await options.database.readControlEpoch();
    if (epoch !== null && now !== epoch) await resync();
    epoch = now;
  }

  function quietly(work: Promise<void>, what: string): void {
    work.catch((cause: unknown) => log.warn({ event: "control.failed", what, cause }));
  }

  return {
    async start() {
      epoch = await options.database.readControlEpoch();
      await loadBlockRules();
      listener = options.database.listen((notice) => {
        log.info({ event: "control.notice", kind: notice.kind, id: notice.id });
        quietly(obey(notice), notice.kind);
      });
      timer = setInterval(() => quietly(poll(), "poll"), pollEveryMs);
    },
    async close() {
      if (timer !== null) clearInterval(timer);
      await listener?.close();
    },
  };
}
