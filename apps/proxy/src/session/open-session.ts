/**
 * The one use case of the data plane: from a principal and a target to an open, metered stream, or to a refusal.
 *
 * Order: is the gateway taking work, limits, destination, node, connection, the address that the node really connected
 * to. A failure that the node caused is tried again on other nodes as long as the client has not seen a byte; one that
 * the target caused is not. The session is in the radar's books from the moment the connection is checked.
 *
 * Limits: 3 nodes and 25 s an opening; those of session-limits.ts and target-limits.ts.
 */
import type { SessionFacts, SessionProtocol } from "@karvon/billing";
import { type Ask, checkAddress, checkDestination, type Destination, type EgressAllow, type Refusal, refuse } from "@karvon/domain";
import type { Connected } from "@karvon/tunnel";
import type { QuotaKeeper } from "../quota/quota-keeper.ts";
import type { SessionLog } from "../radar/session-log.ts";
import type { Exit } from "../router/choose-exit.ts";
import type { Exits } from "../router/exits.ts";
import type { NameUse, StickySession } from "../router/sticky-sessions.ts";
import type { LiveNode } from "../tunnel/live-node.ts";
import { accountRefusal, type Accounts } from "./accounts.ts";
import { type AttemptFailure, attemptFailures, movedMeanwhile } from "./attempt-failures.ts";
import type { Principal } from "./authorise.ts";
import type { BlockRules } from "./block-rules.ts";
import { type Attempt, type ClientPresence, type OpenedAttempt, openStream } from "./open-stream.ts";
import type { OwnEndpoints } from "./own-endpoints.ts";
import { createSessionLimits, type SessionLimits, SessionSlot } from "./session-limits.ts";
import { SessionLine } from "./session-line.ts";
import type { SharedCounts } from "./shared-count.ts";
import type { TargetLimits } from "./target-limits.ts";

export interface SessionRequest {
  readonly requestId: string;
  readonly principal: Principal;
  readonly protocol: SessionProtocol;
  readonly host: string;
  readonly port: number;
  readonly callerAddress: string;
  readonly client: ClientPresence;
}

export interface OpenedSession {
  readonly kind: "opened";
  readonly line: SessionLine;
  readonly node: LiveNode;
  readonly sticky: StickySession | null;
  readonly stickyName: string | null;
  readonly isExitChanged: boolean;
}

/** The exit that a connection would get. */
export interface PreviewedExit extends Pick<OpenedSession, "node" | "sticky" | "stickyName" | "isExitChanged"> {
  readonly kind: "previewed";
}

export interface SessionOpener {
  /** Never rejects. */
  open(request: SessionRequest): Promise<OpenedSession | Refusal>;
  /** Chooses an exit as `open` does, and keeps a named session on it, but opens and bills nothing. Counts as a new session. */
  preview(request: Pick<SessionRequest, "requestId" | "principal">): Promise<PreviewedExit | Refusal>;
  /** Why a session that is open may not carry another request, or null: rules may have changed. The account is the caller's to ask. */
  refuseAnother(opened: OpenedSession): Refusal | null;
}

export interface SessionOpenerOptions {
  readonly router: Exits<LiveNode>;
  readonly names: NameUse;
  readonly sessions: SessionLog;
  readonly blockRules: BlockRules;
  readonly own: OwnEndpoints;
  /** How long one node may take to say whether it connected. */
  readonly nodeAnswerMs: number;
  readonly egressAllow: EgressAllow;
  readonly nowMs: () => number;
  /** When a session that opens now has opened: see timeInRun. */
  readonly openedNowMs: () => number;
  readonly targets: TargetLimits;
  readonly accounts: Accounts;
  readonly quotas: Pick<QuotaKeeper, "tagOf" | "allowancesOf">;
  readonly shared: SharedCounts;
  /** Why no new session is taken now, or null. */
  readonly gate: () => Refusal | null;
  /** A node connected to an address that it must not: it is to be shut out. */
  readonly onViolation: (node: LiveNode, detail: string) => void;
  readonly onFault: (cause: unknown) => void;
  readonly onOpened: () => void;
}

/** The exit that answered, after so many that did not. */
type ServingExit = Exit<LiveNode> & { readonly failedAttempts: number };

const nodesTriedMax = 3;
const openingMsMax = 25_000;

export function createSessionOpener(options: SessionOpenerOptions): SessionOpener {
  return new Opener(options);
}

class Opener implements SessionOpener {
  readonly #options: SessionOpenerOptions;
  readonly #limits: SessionLimits;

  constructor(options: SessionOpenerOptions) {
    this.#options = options;
    this.#limits = createSessionLimits(options);
  }

  async open(request: SessionRequest): Promise<OpenedSession | Refusal> {
    const user = request.principal.account;
    const ask = this.#admissible(request.principal);
    if ("code" in ask) return ask;
    const destination = this.#judgeDestination(request);
    if (destination.kind === "refused") return destination;
    const { targets } = this.#options;
    const lane = targets.enter(destination);
    if (lane !== null && "kind" in lane) return lane;
    const slot = new SessionSlot(user, this.#options.shared, lane === null ? null : { targets, lane });
    // Asked for now, so that the answer comes while the session connects.
    const { quotas } = this.#options;
    quotas.allowancesOf(user, quotas.tagOf(user.client, ask.tag));
    try {
      const outcome = await this.#connect(withAsk(request, ask), destination, slot);
      if (outcome.kind === "refused") slot.release();
      return outcome;
    } catch (cause) {
      slot.release();
      this.#options.onFault(cause);
      return refuse("internal", "the session could not be opened");
    }
  }

  async preview({ requestId, principal }: Pick<SessionRequest, "requestId" | "principal">): Promise<PreviewedExit | Refusal> {
    const { router, names } = this.#options;
    const { account } = principal;
    const ask = this.#admissible(principal);
    if ("code" in ask) return ask;
    const exit = await router.choose({ proxyUserId: account.proxyUserId, requestId, ask, tried: new Set() });
    if (exit.kind === "refused") return exit;
    if (exit.sticky !== null && ask.session !== null) {
      // The client knows the exit from now on: a hard session may not get another, a soft one must say so.
      names.opened(exit.sticky);
      names.closed(exit.sticky, 0);
    }
    router.abandoned(exit, ask);
    return { kind: "previewed", node: exit.node, sticky: exit.sticky, stickyName: ask.session?.id ?? null, isExitChanged: exit.isChanged };
  }

  refuseAnother({ line }: OpenedSession): Refusal | null {
    const { gate, blockRules } = this.#options;
    const { facts, user, tag, targetAddress } = line.live;
    return (
      gate() ??
      tag?.quota?.refuse() ??
      user.rules.refuseHost(facts.targetHost) ??
      blockRules.refuseTarget(facts.targetHost, facts.targetPort) ??
      blockRules.refuseAddress(targetAddress)
    );
  }

  /** What is asked for, as far as the user may have it, or why it may have nothing now. */
  #admissible({ account, ask: wish }: Principal): Ask | Refusal {
    const early = this.#options.gate() ?? accountRefusal(account) ?? this.#limits.refuseSession(account);
    if (early !== null) return early;
    const ask = account.rules.narrow(wish);
    if ("code" in ask) return ask;
    return this.#options.quotas.tagOf(account.client, ask.tag)?.quota?.refuse() ?? ask;
  }

  #judgeDestination(request: SessionRequest): Destination | Refusal {
    const destination = checkDestination(request.host, request.port, this.#options.egressAllow);
    if (destination.kind === "refused") return destination;
    const { own, blockRules } = this.#options;
    const isOwn = destination.kind === "address" ? own.refuse(destination.host, destination.port) : null;
    const isDenied = request.principal.account.rules.refuseHost(destination.host);
    return isOwn ?? isDenied ?? blockRules.refuseTarget(destination.host, destination.port) ?? destination;
  }

  async #connect(request: SessionRequest, destination: Destination, slot: SessionSlot): Promise<OpenedSession | Refusal> {
    const { account, ask } = request.principal;
    const { router } = this.#options;
    const deadlineMs = performance.now() + openingMsMax;
    const tried = new Set<LiveNode>();
    let last: Refusal | null = null;
    let isChanged = false;
    while (tried.size < nodesTriedMax) {
      const exit = await router.choose({ proxyUserId: account.proxyUserId, requestId: request.requestId, ask, tried });
      if (exit.kind === "refused") return exit.code === "no_exit" ? (last ?? exit) : exit;
      isChanged ||= exit.isChanged;
      tried.add(exit.node);
      const startedMs = performance.now();
      const leftMs = Math.min(this.#options.nodeAnswerMs, deadlineMs - startedMs);
      if (leftMs <= 0) {
        router.abandoned(exit, ask);
        break;
      }
      const attempt = await openStream(exit.node, { host: destination.host, port: destination.port }, leftMs, request.client);
      const judged = this.#judgeAttempt(exit, attempt, performance.now() - startedMs);
      if (judged.kind === "opened")
        return this.#admit(request, destination, { ...exit, isChanged, failedAttempts: tried.size - 1 }, judged, slot);
      router.abandoned(exit, ask);
      last = refuse(judged.code, tried.size === 1 ? judged.detail : `${judged.detail}; ${tried.size} nodes were tried`);
      if (!judged.isNodesFault) return last;
    }
    return last ?? refuse("node_connect_failed", "no node answered in time");
  }

  /** Tells the router how it went; an open stream that the session cannot use any more is a failed one. */
  #judgeAttempt(exit: Exit<LiveNode>, attempt: Attempt, connectMs: number): OpenedAttempt | AttemptFailure {
    const { router } = this.#options;
    if (attempt.kind === "failed") {
      const failure = attemptFailures[attempt.cause];
      if (failure.blame !== null) router.failed(exit.node, failure.blame);
      return failure;
    }
    if (router.connected(exit, connectMs)) return attempt;
    attempt.stream.reset("cancelled");
    return movedMeanwhile;
  }

  /** The last check before a byte may pass, and the session's entry into the books. */
  #admit(
    request: SessionRequest,
    destination: Destination,
    exit: ServingExit,
    attempt: OpenedAttempt,
    slot: SessionSlot,
  ): OpenedSession | Refusal {
    const refusal =
      this.#judgeAddress(destination, attempt.connected, exit.node) ??
      // What may be carried was asked for when the session began to open; the answer may have come since.
      slot.user.quota?.refusal ??
      this.#options.quotas.tagOf(slot.user.client, request.principal.ask.tag)?.quota?.refusal ??
      // A block that was made meanwhile has ended only what was open then.
      this.#options.blockRules.refuseTarget(destination.host, destination.port);
    if (refusal === null) return this.#register(request, destination, exit, attempt, slot);
    attempt.stream.reset("policy");
    this.#options.router.abandoned(exit, request.principal.ask);
    return refusal;
  }

  /** Null when the node connected where it was told to. */
  #judgeAddress(destination: Destination, connected: Connected, node: LiveNode): Refusal | null {
    // A literal that was judged before the opening need not be judged again.
    if (connected.address === destination.host) return this.#options.blockRules.refuseAddress(connected.address);
    const checked = checkAddress(connected.address, this.#options.egressAllow, destination.port);
    if (checked.kind === "refused") {
      this.#options.onViolation(node, `connected to ${connected.address} for ${destination.host}`);
      return refuse("private_address", "the name leads to an address that is not public");
    }
    if (destination.kind === "address" && checked.address !== destination.host) {
      this.#options.onViolation(node, `connected to ${connected.address} instead of ${destination.host}`);
      return refuse("node_connect_failed", "the node connected to another address");
    }
    return this.#options.own.refuse(checked.address, destination.port) ?? this.#options.blockRules.refuseAddress(checked.address);
  }

  #register(
    request: SessionRequest,
    destination: Destination,
    exit: ServingExit,
    attempt: OpenedAttempt,
    slot: SessionSlot,
  ): OpenedSession {
    const { ask } = request.principal;
    const facts = factsOf(request, destination, exit, attempt.connected, this.#options.openedNowMs());
    this.#options.onOpened();
    const { quotas } = this.#options;
    const tag = quotas.tagOf(slot.user.client, ask.tag);
    const line = new SessionLine(this.#options, {
      facts,
      node: exit.node,
      attempt,
      slot,
      maxBytes: ask.maxBytes,
      tag,
      allowances: quotas.allowancesOf(slot.user, tag),
      sticky: exit.sticky,
      isUnnamed: ask.session === null,
    });
    return {
      kind: "opened",
      line,
      node: exit.node,
      sticky: exit.sticky,
      stickyName: ask.session?.id ?? null,
      isExitChanged: exit.isChanged,
    };
  }
}

function withAsk(request: SessionRequest, ask: Ask): SessionRequest {
  return ask === request.principal.ask ? request : { ...request, principal: { ...request.principal, ask } };
}

function factsOf(
  request: SessionRequest,
  destination: Destination,
  exit: ServingExit,
  connected: Connected,
  openedAtMs: number,
): SessionFacts {
  const { node, failedAttempts } = exit;
  const { account, ask, known } = request.principal;
  return {
    id: request.requestId,
    openedAtMs,
    clientId: account.client.clientId,
    proxyUserId: account.proxyUserId,
    operatorId: node.operatorId,
    nodeId: node.nodeId,
    priceId: account.priceId,
    protocol: request.protocol,
    targetHost: ownText(destination.host),
    targetPort: destination.port,
    clientAddress: request.callerAddress === "" ? null : request.callerAddress,
    hasPassword: known !== null,
    exitAddress: node.publicAddress === "" ? null : node.publicAddress,
    exitCountry: node.place.country,
    exitCity: node.place.city,
    exitAsn: node.place.asn,
    connectionType: node.connectionType,
    stickySession: ask.session?.id ?? null,
    tag: ask.tag,
    connectMs: connected.connectMs,
    failedAttempts,
  };
}

/** A copy of its own: a part of a longer text would keep the client's whole request in memory for the session's life. */
function ownText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
