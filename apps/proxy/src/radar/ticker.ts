/**
 * Traffic Radar, the clock: once a second it reads all counters, ends sessions that may not go on, and tells the panels.
 *
 * A session is cut when its account may not go on, its own cap is reached, the rules of its user have come to forbid it, it was
 * silent for 2 minutes, or it is 12 hours old. An empty balance stops bytes by itself: see quota/quota-keeper.ts.
 */
import type { GatewayTimeouts } from "../gateway/timeouts.ts";
import { stateRefusal, type UserAccount } from "../session/accounts.ts";
import type { RefusalLog } from "../session/refusal-log.ts";
import type { LiveSession, SessionLog, Totals } from "./session-log.ts";

/** One second of this gateway, as `GET /radar` streams it. Bytes are of this second. */
export interface RadarTick {
  readonly atMs: number;
  readonly gatewayId: string;
  readonly sessionsOpen: number;
  readonly tunnels: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly unflushedBytes: number;
  readonly flushLagMs: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly clients: readonly Totals[];
  readonly operators: readonly Totals[];
  readonly nodes: readonly Totals[];
}

export interface Ticker {
  /** Does one second's work now. */
  tick(): void;
  /** Ends sessions that may not go on. */
  enforce(): void;
  start(): void;
  stop(): void;
  /** How late the last tick came: the event loop was busy that long. */
  readonly loopLagMs: number;
  /** The greatest lag since the last call. */
  takeLoopLagMaxMs(): number;
}

export interface TickerOptions {
  readonly gatewayId: string;
  readonly sessions: SessionLog;
  readonly refusals: RefusalLog;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly countTunnels: () => number;
  readonly flushLagMs: () => number;
  readonly onTick: (tick: RadarTick) => void;
  readonly timeouts: Pick<GatewayTimeouts, "sessionIdleMs" | "sessionLifeMs">;
}

const tickMs = 1_000;

export function createTicker(options: TickerOptions): Ticker {
  const { sessions } = options;
  let timer: NodeJS.Timeout | null = null;
  let dueAtMs = 0;
  let loopLagMs = 0;
  let loopLagMaxMs = 0;
  let last = { upBytes: 0, downBytes: 0 };

  function enforce(): void {
    const nowMs = options.monotonicMs();
    const verdicts = new Map<UserAccount, string | null>();
    for (const session of sessions.listOpen()) {
      let verdict = verdicts.get(session.user);
      if (verdict === undefined) {
        verdict = stateRefusal(session.user)?.code ?? null;
        verdicts.set(session.user, verdict);
      }
      const reason = verdict ?? ruleEnd(session) ?? ownEnd(session, nowMs, options.timeouts);
      if (reason !== null) session.line.cut(reason);
    }
  }

  function tick(): void {
    const lateMs = dueAtMs === 0 ? 0 : Math.max(0, options.monotonicMs() - dueAtMs);
    loopLagMs = lateMs;
    loopLagMaxMs = Math.max(loopLagMaxMs, lateMs);
    dueAtMs = options.monotonicMs() + tickMs;
    sessions.measure();
    enforce();
    const { upBytes, downBytes } = sessions;
    options.onTick({
      atMs: options.nowMs(),
      gatewayId: options.gatewayId,
      sessionsOpen: sessions.openCount,
      tunnels: options.countTunnels(),
      upBytes: upBytes - last.upBytes,
      downBytes: downBytes - last.downBytes,
      unflushedBytes: sessions.unpostedBytes,
      flushLagMs: options.flushLagMs(),
      refusals: options.refusals.takeRecent(),
      ...sessions.takeTotals(),
    });
    last = { upBytes, downBytes };
  }

  return {
    tick,
    enforce,
    start() {
      dueAtMs = options.monotonicMs() + tickMs;
      timer = setInterval(tick, tickMs);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    get loopLagMs() {
      return loopLagMs;
    },
    takeLoopLagMaxMs() {
      const taken = loopLagMaxMs;
      loopLagMaxMs = 0;
      return taken;
    },
  };
}

/**
 * Rules are asked only when they are not those of the last time: after they were read again, and at a session's first tick,
 * because they may have changed while it was opened.
 */
function ruleEnd(session: LiveSession): string | null {
  const { rules } = session.user;
  if (session.judgedBy === rules) return null;
  session.judgedBy = rules;
  return rules.refuseSession(session.facts)?.code ?? null;
}

function ownEnd(session: LiveSession, nowMs: number, { sessionIdleMs, sessionLifeMs }: TickerOptions["timeouts"]): string | null {
  if (session.maxBytes !== null && session.upBytes + session.downBytes >= session.maxBytes) return "limit_reached";
  if (nowMs - session.movedAtMs >= sessionIdleMs) return "idle";
  return nowMs - session.startedAtMs >= sessionLifeMs ? "max_life" : null;
}
