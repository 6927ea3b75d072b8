/**
 * The Proxy Router: which node carries this connection.
 *
 * It applies the wish strictly, keeps named sessions on their exit, and widens only when the ask says so. It opens
 * nothing; whoever asks tells it which nodes were tried in vain, and afterwards how each attempt and each session ended,
 * which is what a node's quality is learned from. A hard session whose exit is gone is `session_lost` for the rest of its
 * life, a soft one gets another exit and the answer says that it changed. A question is answered at once.
 *
 * Limits: the explanation of an empty wish is kept for a second, 1,000 of them.
 */
import {
  type Ask,
  createNodePicker,
  explainEmptyRoute,
  type NodePicker,
  type Refusal,
  refuse,
  type RoutableNode,
  widenWish,
  type Widening,
  wishKey,
} from "@karvon/domain";
import type { NodeDirectory } from "./node-directory.ts";
import type { StickySession, StickySessions } from "./sticky-sessions.ts";

export interface Exit<N extends RoutableNode> {
  readonly kind: "exit";
  readonly node: N;
  readonly sticky: StickySession | null;
  /** The session's exit was replaced by this choice. */
  readonly isChanged: boolean;
}

export interface ExitQuestion<N extends RoutableNode> {
  readonly proxyUserId: string;
  readonly requestId: string;
  readonly ask: Ask;
  readonly tried: ReadonlySet<N>;
}

/** How a session over a node ended. */
export interface NodeService {
  /** It died with the node's tunnel. */
  readonly isLost: boolean;
  readonly bytes: number;
  /** Without the time in which nothing was asked for. */
  readonly busyMs: number;
}

export interface Router<N extends RoutableNode> {
  choose(question: ExitQuestion<N>): Exit<N> | Refusal;
  /**
   * The stream opened after `connectMs`. False when the session has got another exit meanwhile: this stream must not be
   * used, and the next choice tells the right one.
   */
  connected(exit: Exit<N>, connectMs: number): boolean;
  /** The stream did not open: the node's fault, or maybe its line's. */
  failed(node: N, blame: "node" | "line"): void;
  /** A connection without a name gives its address in the group free again; for one that never opened. */
  abandoned(exit: Exit<N>, ask: Ask): void;
  ended(node: N, service: NodeService): void;
}

export interface RouterOptions<N extends RoutableNode> {
  readonly directory: NodeDirectory<N>;
  readonly sticky: StickySessions;
  readonly monotonicMs: () => number;
  readonly random: () => number;
}

const widenings: readonly Exclude<Widening, "none">[] = ["state", "country", "any"];
/** Longer than opening a connection may take; the end of the connection frees the address at once. */
const unnamedHoldMs = 60_000;
const explanationMs = 1_000;
const explanationsMax = 1_000;

export function createRouter<N extends RoutableNode>(options: RouterOptions<N>): Router<N> {
  return new ProxyRouter(options);
}

/** A place in a group: no other session of the group may have the same exit address. */
interface GroupPlace {
  readonly uniqKey: string;
  readonly key: string;
}

class ProxyRouter<N extends RoutableNode> implements Router<N> {
  readonly #options: RouterOptions<N>;
  readonly #picker: NodePicker<N>;
  readonly #explanations = new Map<string, { readonly text: string; readonly untilMs: number }>();

  constructor(options: RouterOptions<N>) {
    this.#options = options;
    this.#picker = createNodePicker(options.directory.index, { nowMs: options.monotonicMs, random: options.random });
  }

  choose(question: ExitQuestion<N>): Exit<N> | Refusal {
    const { ask } = question;
    if (ask.session !== null) return this.#chooseNamed(question, ask.session);
    if (ask.uniq !== null) return this.#chooseUnique(question);
    const node = this.#fresh(question, null, null);
    return "kind" in node ? node : { kind: "exit", node, sticky: null, isChanged: false };
  }

  connected({ node, sticky }: Exit<N>, connectMs: number): boolean {
    node.quality.connected(connectMs, this.#options.monotonicMs());
    if (!node.hasRoom) this.#options.directory.reconsider(node);
    return sticky === null || sticky.nodeId === node.nodeId;
  }

  failed(node: N, blame: "node" | "line"): void {
    const nowMs = this.#options.monotonicMs();
    if (blame === "line") return node.quality.suspected(nowMs);
    node.quality.failed(nowMs);
    return this.#options.directory.reconsider(node);
  }

  abandoned({ sticky }: Exit<N>, ask: Ask): void {
    if (sticky !== null && ask.session === null) this.#options.sticky.drop(sticky);
  }

  ended(node: N, { isLost, bytes, busyMs }: NodeService): void {
    const nowMs = this.#options.monotonicMs();
    if (isLost) node.quality.lost(nowMs);
    else node.quality.carried(bytes, busyMs, nowMs);
    this.#options.directory.reconsider(node);
  }

  #chooseNamed(question: ExitQuestion<N>, session: NonNullable<Ask["session"]>): Exit<N> | Refusal {
    const { sticky } = this.#options;
    const key = `${question.proxyUserId} ${session.id}`;
    const last = sticky.find(key);
    if (last !== null && !sticky.isOver(last)) {
      if (session.isHard) sticky.harden(last);
      return last.isLost ? lost(session.id) : this.#keep(question, session, last);
    }
    const { ttlMs, idleMs } = question.ask;
    return this.#begin(question, { key, isHard: session.isHard, notNodeId: last?.nodeId ?? null, ttlMs, idleMs });
  }

  /** A connection without a name holds its address in the group while it is open, under its own request id. */
  #chooseUnique(question: ExitQuestion<N>): Exit<N> | Refusal {
    const key = `${question.proxyUserId} ${question.requestId}`;
    return this.#begin(question, { key, isHard: false, notNodeId: null, ttlMs: question.ask.ttlMs, idleMs: unnamedHoldMs });
  }

  #begin(
    question: ExitQuestion<N>,
    begin: Pick<StickySession, "key" | "isHard" | "idleMs"> & { readonly notNodeId: string | null; readonly ttlMs: number },
  ): Exit<N> | Refusal {
    const uniqKey = uniqKeyOf(question);
    const { key, isHard, idleMs } = begin;
    const node = this.#fresh(question, uniqKey === null ? null : { uniqKey, key }, begin.notNodeId);
    if ("kind" in node) return node;
    const entry = this.#options.sticky.begin({
      key,
      proxyUserId: question.proxyUserId,
      nodeId: node.nodeId,
      exitAddress: node.publicAddress,
      ttlMs: begin.ttlMs,
      idleMs,
      isHard,
      uniqKey,
    });
    if (entry === null) return refuse("concurrency_limit", "the proxy user keeps too many hard sessions");
    return { kind: "exit", node, sticky: entry, isChanged: false };
  }

  /** A session that is alive stays on its exit; when that is gone a soft one moves, and a hard one is lost. */
  #keep(question: ExitQuestion<N>, session: NonNullable<Ask["session"]>, entry: StickySession): Exit<N> | Refusal {
    const { hasServed } = entry;
    const { directory, sticky } = this.#options;
    const uniqKey = uniqKeyOf(question);
    const current = directory.find(entry.nodeId);
    const isThere = current !== null && current.isServing && current.publicAddress === entry.exitAddress;
    if (isThere && this.#isFree(question, current, entry, uniqKey)) {
      if (uniqKey !== entry.uniqKey) sticky.move(entry, { ...entry, uniqKey });
      return { kind: "exit", node: current, sticky: entry, isChanged: false };
    }
    if (session.isHard && hasServed) return isThere ? this.#refuseNow(question, current, session.id) : this.#lose(entry, session.id);
    const node = this.#fresh(question, uniqKey === null ? null : { uniqKey, key: entry.key }, entry.nodeId);
    if ("kind" in node) return node;
    const isChanged = hasServed && node.publicAddress !== entry.exitAddress;
    sticky.move(entry, { nodeId: node.nodeId, exitAddress: node.publicAddress, uniqKey });
    return { kind: "exit", node, sticky: entry, isChanged };
  }

  /** Whether the session's own node can take this connection now. */
  #isFree(question: ExitQuestion<N>, node: N, entry: StickySession, uniqKey: string | null): boolean {
    if (!node.hasRoom || question.tried.has(node) || !this.#isWanted(node, question.ask)) return false;
    return uniqKey === null || uniqKey === entry.uniqKey || !this.#options.sticky.isHeld(uniqKey, entry.key, entry.exitAddress);
  }

  #lose(entry: StickySession, sessionId: string): Refusal {
    this.#options.sticky.lose(entry);
    return lost(sessionId);
  }

  /** The exit lives but cannot take this connection: nothing is lost, and nobody else may serve. */
  #refuseNow({ ask }: ExitQuestion<N>, node: N, sessionId: string): Refusal {
    const why = this.#isWanted(node, ask) ? "cannot take this connection now" : "is not what is asked for now";
    return refuse("no_exit", `the node of session ${sessionId} ${why}`);
  }

  /** The place must still be what is asked: the same name with another country is another wish. */
  #isWanted(node: N, ask: Ask): boolean {
    const { index } = this.#options.directory;
    return index.matches(node, ask) || (ask.widening !== "none" && index.matches(node, widenWish(ask, ask.widening)));
  }

  /** Any node that satisfies the ask, another than `notNodeId` if there is one. */
  #fresh(question: ExitQuestion<N>, place: GroupPlace | null, notNodeId: string | null): N | Refusal {
    const { ask, tried } = question;
    const { sticky } = this.#options;
    const mayTake = (node: N): boolean =>
      !tried.has(node) && (place === null || !sticky.isHeld(place.uniqKey, place.key, node.publicAddress));
    const other = notNodeId === null ? null : this.#pick(ask, (node) => node.nodeId !== notNodeId && mayTake(node), null);
    // Without nodes that were tried an empty answer is the same for the whole group.
    const memo = tried.size > 0 ? null : (place?.uniqKey ?? "");
    return other ?? this.#pick(ask, mayTake, memo) ?? refuse("no_exit", this.#explain(ask));
  }

  #pick(ask: Ask, mayTake: (node: N) => boolean, memo: string | null): N | null {
    const exact = this.#picker.pick(ask, { mayTake, memo });
    if (exact !== null || ask.widening === "none") return exact;
    for (const to of widenings) {
      const found = this.#picker.pick(widenWish(ask, to), { mayTake, memo });
      if (found !== null || to === ask.widening) return found;
    }
    return null;
  }

  #explain(ask: Ask): string {
    const nowMs = this.#options.monotonicMs();
    const key = wishKey(ask);
    const known = this.#explanations.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.text;
    const text = explainEmptyRoute(ask, (wish) => this.#options.directory.index.count(wish));
    if (this.#explanations.size >= explanationsMax) this.#explanations.clear();
    this.#explanations.set(key, { text, untilMs: nowMs + explanationMs });
    return text;
  }
}

function lost(sessionId: string): Refusal {
  return refuse("session_lost", `the node of session ${sessionId} is gone`);
}

function uniqKeyOf({ ask, proxyUserId }: Pick<ExitQuestion<RoutableNode>, "ask" | "proxyUserId">): string | null {
  return ask.uniq === null ? null : `${proxyUserId} ${ask.uniq}`;
}
