/**
 * The one use case of the data plane: from a principal and a target to an open, metered stream, or to a refusal.
 *
 * Order: is the gateway taking work, limits, destination, node, connection, the address that the node really connected
 * to. A failure that the node caused is tried again on other nodes as long as the client has not seen a byte; one that
 * the target caused is not. The session is in the radar's books from the moment the connection is checked.
 *
 * Limits: 3 nodes and 25 s an opening; per proxy user 100 new sessions a second (500 at once) unless the client's
 * concurrency ceiling is larger, then that many.
 */
import type { SessionFacts, SessionProtocol } from "@karvon/billing";
import { checkAddress, checkDestination, type Destination, type EgressAllow, type Refusal, refuse } from "@karvon/domain";
import type { Connected, RstName, TunnelStream } from "@karvon/tunnel";
import type { LiveSession, SessionLog } from "../radar/session-log.ts";
import type { Exit, Router } from "../router/choose-exit.ts";
import type { StickySession, StickySessions } from "../router/sticky-sessions.ts";
import type { LiveNode } from "../tunnel/live-node.ts";
import { accountRefusal, type UserAccount } from "./accounts.ts";
import type { Principal } from "./authorise.ts";
import type { BlockRules } from "./block-rules.ts";
import { type Attempt, closeReasonOf, openStream, openTimeoutMs } from "./open-stream.ts";
import { createTokenBuckets } from "./token-buckets.ts";

export interface SessionRequest {
  readonly requestId: string;
  readonly principal: Principal;
  readonly protocol: SessionProtocol;
  readonly host: string;
  readonly port: number;
  readonly callerAddress: string;
}

export interface OpenedSession {
  readonly kind: "opened";
  readonly live: LiveSession;
  readonly stream: TunnelStream;
  readonly node: LiveNode;
  readonly sticky: StickySession | null;
  readonly stickyName: string | null;
  readonly isExitChanged: boolean;
  /** The client has got all it asked for: ends the stream, whatever the target still keeps open. */
  readonly finish: () => void;
}

export interface SessionOpener {
  /** Never rejects. */
  open(request: SessionRequest): Promise<OpenedSession | Refusal>;
}

export interface SessionOpenerOptions {
  readonly router: Router;
  readonly sticky: StickySessions;
  readonly sessions: SessionLog;
  readonly blockRules: BlockRules;
  readonly egressAllow: EgressAllow;
  readonly nowMs: () => number;
  /** Why no new session is taken now, or null. */
  readonly gate: () => Refusal | null;
  /** A node connected to an address that it must not: it is to be shut out. */
  readonly onViolation: (node: LiveNode, detail: string) => void;
  readonly onFault: (cause: unknown) => void;
  readonly onOpened: () => void;
}

const nodesTriedMax = 3;
const openingMsMax = 25_000;
const ratePerSecond = 100;
const rateBurst = 500;
const planSessionsMax = 500;
const usersRatedMax = 20_000;

/** What a node's answer means to the client; `isNodesFault` allows another node. */
const failures: Readonly<Record<RstName | "lost" | "silent", { code: Refusal["code"]; isNodesFault: boolean; detail: string }>> = {
  cancelled: { code: "node_connect_failed", isNodesFault: true, detail: "the node gave up" },
  refused: { code: "connect_refused", isNodesFault: false, detail: "the target refused the connection" },
  dns: { code: "dns_error", isNodesFault: false, detail: "the name does not resolve" },
  dnsTimeout: { code: "dns_timeout", isNodesFault: false, detail: "the name server did not answer the node" },
  unreachable: { code: "target_unroutable", isNodesFault: false, detail: "the node has no way to the address" },
  timeout: { code: "connect_timeout", isNodesFault: false, detail: "the target did not answer the node" },
  policy: { code: "private_address", isNodesFault: false, detail: "the name leads to an address that is not public" },
  quota: { code: "node_connect_failed", isNodesFault: true, detail: "the node reached its owner's limit" },
  ownerStopped: { code: "node_connect_failed", isNodesFault: true, detail: "the node's owner stopped it" },
  protocol: { code: "node_connect_failed", isNodesFault: true, detail: "the node broke the protocol" },
  busy: { code: "node_connect_failed", isNodesFault: true, detail: "the node is full" },
  targetReset: { code: "target_reset", isNodesFault: false, detail: "the target reset the connection" },
  noIpv6: { code: "no_ipv6", isNodesFault: true, detail: "the target has IPv6 addresses only and the node has none" },
  lost: { code: "node_connect_failed", isNodesFault: true, detail: "the node went away" },
  silent: { code: "node_connect_failed", isNodesFault: true, detail: "the node did not answer" },
};

export function createSessionOpener(options: SessionOpenerOptions): SessionOpener {
  const { router, sticky, sessions } = options;
  const rates = createTokenBuckets({ burst: rateBurst, perSecond: ratePerSecond, keysMax: usersRatedMax, nowMs: options.nowMs });
  const largeRates = new Map<number, ReturnType<typeof createTokenBuckets>>();

  /** Clients with a ceiling above the plan's get a rate to match. */
  function ratesFor(user: UserAccount): ReturnType<typeof createTokenBuckets> {
    const ceiling = user.client.sessionsMax;
    if (ceiling <= planSessionsMax) return rates;
    const known = largeRates.get(ceiling);
    if (known !== undefined) return known;
    const made = createTokenBuckets({ burst: ceiling, perSecond: ceiling, keysMax: usersRatedMax, nowMs: options.nowMs });
    if (largeRates.size >= 100) largeRates.clear();
    largeRates.set(ceiling, made);
    return made;
  }

  function limitRefusal(user: UserAccount): Refusal | null {
    const { client } = user;
    if (client.sessionsOpen >= client.sessionsMax)
      return refuse("concurrency_limit", `${client.sessionsOpen} of ${client.sessionsMax} sessions of the account are open`);
    if (user.sessionsMax !== null && user.sessionsOpen >= user.sessionsMax) {
      return refuse("concurrency_limit", `${user.sessionsOpen} of ${user.sessionsMax} sessions of proxy user ${user.username} are open`);
    }
    return ratesFor(user).take(user.proxyUserId)
      ? null
      : refuse("rate_limited", `proxy user ${user.username} opens too many sessions a second`);
  }

  function destinationOf(request: SessionRequest): Destination | Refusal {
    const destination = checkDestination(request.host, request.port, options.egressAllow);
    if (destination.kind === "refused") return destination;
    return options.blockRules.refuseTarget(destination.host, destination.port) ?? destination;
  }

  /** Null when the node connected where it was told to; otherwise the session must not get a byte. */
  function addressRefusal(destination: Destination, connected: Connected, node: LiveNode): Refusal | null {
    const checked = checkAddress(connected.address, options.egressAllow, destination.port);
    if (checked.kind === "refused") {
      options.onViolation(node, `connected to ${connected.address} for ${destination.host}`);
      return refuse("private_address", "the name leads to an address that is not public");
    }
    if (destination.kind === "address" && checked.address !== destination.host) {
      options.onViolation(node, `connected to ${connected.address} instead of ${destination.host}`);
      return refuse("node_connect_failed", "the node connected to another address");
    }
    return options.blockRules.refuseAddress(checked.address);
  }

  function register(
    request: SessionRequest,
    destination: Destination,
    exit: Exit,
    attempt: Extract<Attempt, { kind: "opened" }>,
    release: () => void,
  ): OpenedSession {
    const { node } = exit;
    const { stream, connected } = attempt;
    const { ask, account } = request.principal;
    let cutReason: string | null = null;
    options.onOpened();
    const live = sessions.open({
      facts: factsOf(request, destination, node, connected, options.nowMs()),
      stream,
      user: account,
      maxBytes: ask.maxBytes,
      cut(reason) {
        cutReason ??= reason;
        stream.reset("quota");
      },
    });
    if (exit.sticky !== null) {
      exit.sticky.connectionsOpen += 1;
      exit.sticky.hasServed = true;
    }
    attempt.onEnd((end) => {
      sessions.close(live, closeReasonOf(end, cutReason));
      release();
      leaveSticky(exit.sticky, ask.session === null);
    });
    function finish(): void {
      cutReason ??= "finished";
      stream.reset("cancelled");
    }
    return {
      kind: "opened",
      live,
      stream,
      node,
      sticky: exit.sticky,
      stickyName: ask.session?.id ?? null,
      isExitChanged: exit.isChanged,
      finish,
    };
  }

  function leaveSticky(entry: StickySession | null, isUnnamed: boolean): void {
    if (entry === null) return;
    entry.connectionsOpen -= 1;
    entry.usedAtMs = options.nowMs();
    if (isUnnamed) sticky.drop(entry);
  }

  async function connect(request: SessionRequest, destination: Destination, release: () => void): Promise<OpenedSession | Refusal> {
    const deadlineMs = performance.now() + openingMsMax;
    const tried = new Set<LiveNode>();
    let last: Refusal | null = null;
    let isChanged = false;
    while (tried.size < nodesTriedMax) {
      const exit = router.choose({
        proxyUserId: request.principal.account.proxyUserId,
        requestId: request.requestId,
        ask: request.principal.ask,
        tried,
      });
      if (exit.kind === "refused") return exit.code === "no_exit" && last !== null ? last : exit;
      isChanged ||= exit.isChanged;
      tried.add(exit.node);
      const leftMs = Math.min(openTimeoutMs, deadlineMs - performance.now());
      if (leftMs <= 0) break;
      const attempt = await openStream(exit.node, { host: destination.host, port: destination.port }, leftMs);
      if (attempt.kind === "opened") {
        const refusal = addressRefusal(destination, attempt.connected, exit.node);
        if (refusal === null) return register(request, destination, { ...exit, isChanged }, attempt, release);
        attempt.stream.reset("policy");
        return refusal;
      }
      const failure = failures[attempt.cause];
      last = refuse(failure.code, tried.size === 1 ? failure.detail : `${failure.detail}; ${tried.size} nodes were tried`);
      if (!failure.isNodesFault) return last;
    }
    return last ?? refuse("node_connect_failed", "no node answered in time");
  }

  return {
    async open(request) {
      const user = request.principal.account;
      const early = options.gate() ?? accountRefusal(user) ?? limitRefusal(user);
      if (early !== null) return early;
      const destination = destinationOf(request);
      if (destination.kind === "refused") return destination;
      const release = reserve(user);
      try {
        const outcome = await connect(request, destination, release);
        if (outcome.kind === "refused") release();
        return outcome;
      } catch (cause) {
        release();
        options.onFault(cause);
        return refuse("internal", "the session could not be opened");
      }
    },
  };
}

/** Counts the session from now on, so that many requests at once cannot all pass the same check. */
function reserve(user: UserAccount): () => void {
  user.sessionsOpen += 1;
  user.client.sessionsOpen += 1;
  let isReleased = false;
  return () => {
    if (isReleased) return;
    isReleased = true;
    user.sessionsOpen -= 1;
    user.client.sessionsOpen -= 1;
  };
}

function factsOf(request: SessionRequest, destination: Destination, node: LiveNode, connected: Connected, nowMs: number): SessionFacts {
  const { account, ask } = request.principal;
  return {
    id: request.requestId,
    openedAtMs: nowMs,
    clientId: account.client.clientId,
    proxyUserId: account.proxyUserId,
    operatorId: node.operatorId,
    nodeId: node.nodeId,
    priceId: account.priceId,
    protocol: request.protocol,
    targetHost: destination.host,
    targetPort: destination.port,
    clientAddress: request.callerAddress === "" ? null : request.callerAddress,
    exitAddress: node.publicAddress === "" ? null : node.publicAddress,
    exitCountry: node.place.country,
    exitCity: node.place.city,
    exitAsn: node.place.asn,
    connectionType: node.connectionType,
    stickySession: ask.session?.id ?? null,
    tag: ask.tag,
    connectMs: connected.connectMs,
  };
}
