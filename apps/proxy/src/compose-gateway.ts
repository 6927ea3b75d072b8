/** The clients' half of the data plane: who is let in, under what conditions, and where their sessions are opened. */
import { type Refusal, refuse } from "@karvon/domain";
import type { Core } from "./compose-core.ts";
import type { Fleet } from "./compose-fleet.ts";
import type { Meter } from "./compose-meter.ts";
import type { GatewayContext } from "./gateway/client-connection.ts";
import { timeInRun } from "./gateway-identity.ts";
import { createAuthoriser } from "./session/authorise.ts";
import { createSessionOpener } from "./session/open-session.ts";

export function createGatewayContext(core: Core, fleet: Fleet, meter: Meter): GatewayContext {
  const { state, sessions, journal } = core;
  const { timeouts, tarpit, targets, memory } = core.load;
  const gate = (): Refusal | null => {
    if (state.isDraining) return refuse("draining", "the gateway is stopping");
    if (journal.journal !== null && journal.journal.trouble !== null)
      return refuse("journal_unavailable", "what a session carries cannot be written down");
    if (sessions.isFull || meter.isBehind()) return refuse("overloaded", "usage waits too long for the ledger");
    return memory.refuseSession();
  };
  return {
    authoriser: createAuthoriser({ ...core, guesses: core.shared.guesses, pepper: core.options.pepper }),
    opener: createSessionOpener({
      ...core,
      router: fleet.router,
      names: fleet.names,
      targets,
      nodeAnswerMs: timeouts.nodeAnswerMs,
      openedNowMs: () => timeInRun(core.options.identity, core.nowMs()),
      gate,
      onViolation: (node, detail) => fleet.tunnels.expel(node, detail),
      onOpened: () => (state.sessionsOpened += 1),
    }),
    refusals: core.refusals,
    sessions,
    log: core.log,
    nowMs: core.nowMs,
    isDraining: () => state.isDraining,
    timeouts,
    tarpit,
    resting: new Set(),
    mayKeepAlive: () => !state.isLeaving && !state.isDraining,
  };
}
