/**
 * Leaving beside a successor: a rolling restart in which nobody is refused and nothing is cut.
 *
 * The successor serves already and reaches this process's nodes through a link. From here on it alone accepts nodes and
 * clients; the nodes are asked to dial again and keep their tunnels here until they have arrived there; sessions that
 * began here finish here. What has not finished within the bound is cut by the close that follows.
 *
 * Limits: 10 s for the nodes, 30 s for sessions, 2 s for connections that carry nothing.
 */
import type { Logger } from "@karvon/telemetry";
import { setTimeout as pause } from "node:timers/promises";
import type { Gateway } from "./gateway/listen-gateway.ts";
import type { OpsServer } from "./ops/listen-ops.ts";
import type { TunnelListener } from "./tunnel/listen-tunnels.ts";
import type { TunnelManager } from "./tunnel/tunnel-manager.ts";

export interface Retirement {
  readonly log: Logger;
  readonly gateway: Pick<Gateway, "stopAccepting" | "endResting" | "connectionsOpen">;
  readonly tunnel: Pick<TunnelListener, "stopAccepting">;
  readonly ops: Pick<OpsServer, "leavePublicPort">;
  readonly tunnels: Pick<TunnelManager, "sendAway" | "leavingStreams">;
  /** Tells the siblings. */
  readonly announce: () => void;
  /** Kept connections end with their next answer. */
  readonly stopKeepAlive: () => void;
  readonly countNodes: () => number;
  /** Sessions of this process, and streams that siblings have open here. */
  readonly countSessions: () => number;
}

const nodesMs = 10_000;
const sessionsMs = 30_000;
const idleMs = 2_000;

export async function retire(parts: Retirement): Promise<void> {
  const { gateway, tunnel, ops, tunnels, log } = parts;
  log.info({ event: "proxy.retiring", nodes: parts.countNodes(), sessions: parts.countSessions() });
  parts.announce();
  ops.leavePublicPort();
  tunnel.stopAccepting();
  gateway.stopAccepting();
  parts.stopKeepAlive();
  tunnels.sendAway();
  const deadlineMs = performance.now() + sessionsMs;
  await drained(parts.countNodes, nodesMs);
  log.info({ event: "proxy.nodes-moved", left: parts.countNodes() });
  await drained(() => parts.countSessions() + tunnels.leavingStreams, deadlineMs - performance.now());
  // Late, because a program may be about to send its next request: it gets an answer, and `Connection: close` with it.
  gateway.endResting();
  await drained(() => gateway.connectionsOpen, Math.min(idleMs, deadlineMs - performance.now()));
  log.info({ event: "proxy.retired", sessionsLeft: parts.countSessions(), connectionsLeft: gateway.connectionsOpen });
}

/** Resolves when nothing is left or the time is up. */
export async function drained(countLeft: () => number, withinMs: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (countLeft() > 0 && performance.now() < deadlineMs) await pause(50);
}
