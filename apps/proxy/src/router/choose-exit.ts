/**
 * The Proxy Router: which node carries this connection.
 *
 * It applies the wish strictly, keeps named sessions on their exit, and widens only when the ask says so. It opens
 * nothing; whoever asks tells it which nodes were tried in vain. A hard session whose node is gone is `session_lost`
 * for the rest of its life, a soft one gets another exit and the answer says that it changed.
 */
import {
  type Ask,
  chooseNode,
  explainEmptyRoute,
  isoCountries,
  nodeSatisfies,
  type Refusal,
  refuse,
  widenWish,
  type Widening,
} from "@karvon/domain";
import { hasRoom, isServing, type LiveNode } from "../tunnel/live-node.ts";
import type { NodeDirectory } from "./node-directory.ts";
import type { StickySession, StickySessions } from "./sticky-sessions.ts";

export interface Exit {
  readonly kind: "exit";
  readonly node: LiveNode;
  readonly sticky: StickySession | null;
  /** The session's exit was replaced by this choice. */
  readonly isChanged: boolean;
}

export interface ExitQuestion {
  readonly proxyUserId: string;
  readonly requestId: string;
  readonly ask: Ask;
  readonly tried: ReadonlySet<LiveNode>;
}

export interface Router {
  choose(question: ExitQuestion): Exit | Refusal;
}

export interface RouterOptions {
  readonly directory: NodeDirectory;
  readonly sticky: StickySessions;
  readonly nowMs: () => number;
  readonly random: () => number;
}

const widenings: readonly Exclude<Widening, "none">[] = ["state", "country", "any"];

export function createRouter(options: RouterOptions): Router {
  return new ProxyRouter(options);
}

class ProxyRouter implements Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  choose(question: ExitQuestion): Exit | Refusal {
    const { ask, proxyUserId } = question;
    const unknown = ask.countries.find((country) => !isoCountries.has(country));
    if (unknown !== undefined) return refuse("country_not_offered", `${unknown} is not a country`);
    if (ask.session !== null) return this.#chooseNamed(question, ask.session);
    if (ask.uniq !== null) return this.#chooseUnique(question, `${proxyUserId} ${ask.uniq}`);
    const node = this.#fresh(question, noAddresses, null);
    return "kind" in node ? node : { kind: "exit", node, sticky: null, isChanged: false };
  }

  #chooseNamed(question: ExitQuestion, session: NonNullable<Ask["session"]>): Exit | Refusal {
    const { ask, proxyUserId } = question;
    const { sticky } = this.#options;
    const key = `${proxyUserId} ${session.id}`;
    const last = sticky.find(key);
    if (last !== null && !sticky.isOver(last)) return this.#keep(question, session, last);
    const uniqKey = uniqKeyOf(question);
    const node = this.#fresh(question, this.#held(uniqKey, key), last?.nodeId ?? null);
    if ("kind" in node) return node;
    return { kind: "exit", node, sticky: this.#hold({ key, uniqKey, node, ttlMs: ask.ttlMs, idleMs: ask.idleMs }), isChanged: false };
  }

  /** A session that is alive stays on its exit; when that is gone a soft one moves, and a hard one is lost. */
  #keep(question: ExitQuestion, session: NonNullable<Ask["session"]>, entry: StickySession): Exit | Refusal {
    const { hasServed } = entry;
    const current = this.#options.directory.find(entry.nodeId);
    const isUsable = current !== null && isServing(current) && hasRoom(current) && !question.tried.has(current);
    if (isUsable && isWanted(current, question.ask)) return { kind: "exit", node: current, sticky: entry, isChanged: false };
    if (session.isHard && hasServed) return refuse("session_lost", `the node of session ${session.id} is gone`);
    const node = this.#fresh(question, this.#held(entry.uniqKey, entry.key), entry.nodeId);
    if ("kind" in node) return node;
    entry.nodeId = node.nodeId;
    entry.exitAddress = node.publicAddress;
    return { kind: "exit", node, sticky: entry, isChanged: hasServed };
  }

  /** A connection without a name holds its address in the group while it is open, under its own request id. */
  #chooseUnique(question: ExitQuestion, uniqKey: string): Exit | Refusal {
    const key = `${question.proxyUserId} ${question.requestId}`;
    const node = this.#fresh(question, this.#held(uniqKey, key), null);
    if ("kind" in node) return node;
    return {
      kind: "exit",
      node,
      sticky: this.#hold({ key, uniqKey, node, ttlMs: question.ask.ttlMs, idleMs: unnamedHoldMs }),
      isChanged: false,
    };
  }

  #hold(hold: { key: string; uniqKey: string | null; node: LiveNode; ttlMs: number; idleMs: number }): StickySession {
    const nowMs = this.#options.nowMs();
    const entry: StickySession = {
      key: hold.key,
      nodeId: hold.node.nodeId,
      exitAddress: hold.node.publicAddress,
      expiresAtMs: nowMs + hold.ttlMs,
      idleMs: hold.idleMs,
      usedAtMs: nowMs,
      connectionsOpen: 0,
      hasServed: false,
      uniqKey: hold.uniqKey,
    };
    this.#options.sticky.set(entry);
    return entry;
  }

  #held(uniqKey: string | null, key: string): ReadonlySet<string> {
    return uniqKey === null ? noAddresses : this.#options.sticky.addressesOf(uniqKey, key);
  }

  /** Any node that satisfies the ask, another than `notNodeId` if there is one. */
  #fresh(question: ExitQuestion, avoided: ReadonlySet<string>, notNodeId: string | null): LiveNode | Refusal {
    const { ask, tried } = question;
    const isUsable = (node: LiveNode): boolean => hasRoom(node) && !tried.has(node) && !avoided.has(node.publicAddress);
    const other = notNodeId === null ? null : this.#pick(ask, (node) => isUsable(node) && node.nodeId !== notNodeId);
    return other ?? this.#pick(ask, isUsable) ?? refuse("no_exit", explainEmptyRoute(this.#options.directory.listServing(), ask));
  }

  #pick(ask: Ask, isUsable: (node: LiveNode) => boolean): LiveNode | null {
    const { directory, random } = this.#options;
    const exact = chooseNode(directory.candidates(ask), isUsable, random);
    if (exact !== null || ask.widening === "none") return exact;
    for (const to of widenings) {
      const found = chooseNode(directory.candidates(widenWish(ask, to)), isUsable, random);
      if (found !== null || to === ask.widening) return found;
    }
    return null;
  }
}

function uniqKeyOf(question: ExitQuestion): string | null {
  return question.ask.uniq === null ? null : `${question.proxyUserId} ${question.ask.uniq}`;
}

/** The place must still be what is asked: the same name with another country is another wish. */
function isWanted(node: LiveNode, ask: Ask): boolean {
  return nodeSatisfies(node, ask) || (ask.widening !== "none" && nodeSatisfies(node, widenWish(ask, ask.widening)));
}

/** Longer than opening a connection may take; the end of the connection frees the address at once. */
const unnamedHoldMs = 60_000;
const noAddresses: ReadonlySet<string> = new Set();
