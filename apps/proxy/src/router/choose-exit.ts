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
  type RouteWish,
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
  const { directory, sticky } = options;

  function pick(wish: RouteWish, isUsable: (node: LiveNode) => boolean): LiveNode | null {
    return chooseNode(directory.candidates(wish), isUsable, options.random);
  }

  function pickWidening(ask: Ask, isUsable: (node: LiveNode) => boolean): LiveNode | null {
    const exact = pick(ask, isUsable);
    if (exact !== null || ask.widening === "none") return exact;
    for (const to of widenings) {
      const found = pick(widenWish(ask, to), isUsable);
      if (found !== null || to === ask.widening) return found;
    }
    return null;
  }

  function fresh(question: ExitQuestion, avoided: ReadonlySet<string>, notNode: string | null): LiveNode | Refusal {
    const isUsable = (node: LiveNode): boolean => hasRoom(node) && !question.tried.has(node) && !avoided.has(node.publicAddress);
    const other = notNode === null ? null : pickWidening(question.ask, (node) => isUsable(node) && node.nodeId !== notNode);
    return other ?? pickWidening(question.ask, isUsable) ?? refuse("no_exit", explainEmptyRoute(directory.listServing(), question.ask));
  }

  function chooseSticky(question: ExitQuestion, session: NonNullable<Ask["session"]>): Exit | Refusal {
    const { ask, proxyUserId } = question;
    const key = `${proxyUserId} ${session.id}`;
    const uniqKey = ask.uniq === null ? null : `${proxyUserId} ${ask.uniq}`;
    const last = sticky.find(key);
    const held = last === null || sticky.isOver(last) ? null : last;
    if (held !== null) {
      const node = directory.find(held.nodeId);
      if (node !== null && isServing(node) && hasRoom(node) && !question.tried.has(node) && isWanted(node, ask)) {
        return { kind: "exit", node, sticky: held, isChanged: false };
      }
      if (session.isHard && held.hasServed) return refuse("session_lost", `the node of session ${session.id} is gone`);
    }
    const avoided = uniqKey === null ? noAddresses : sticky.addressesOf(uniqKey, key);
    const node = fresh(question, avoided, last?.nodeId ?? null);
    if ("kind" in node) return node;
    if (held !== null) {
      held.nodeId = node.nodeId;
      held.exitAddress = node.publicAddress;
      return { kind: "exit", node, sticky: held, isChanged: held.hasServed };
    }
    return { kind: "exit", node, sticky: hold(key, uniqKey, node, ask.ttlMs, ask.idleMs), isChanged: false };
  }

  /** A connection without a name holds its address in the group while it is open, under its own request id. */
  function chooseUnique(question: ExitQuestion, uniqKey: string): Exit | Refusal {
    const key = `${question.proxyUserId} ${question.requestId}`;
    const node = fresh(question, sticky.addressesOf(uniqKey, key), null);
    if ("kind" in node) return node;
    return { kind: "exit", node, sticky: hold(key, uniqKey, node, question.ask.ttlMs, unnamedHoldMs), isChanged: false };
  }

  function hold(key: string, uniqKey: string | null, node: LiveNode, ttlMs: number, idleMs: number): StickySession {
    const nowMs = options.nowMs();
    const entry: StickySession = {
      key,
      nodeId: node.nodeId,
      exitAddress: node.publicAddress,
      expiresAtMs: nowMs + ttlMs,
      idleMs,
      usedAtMs: nowMs,
      connectionsOpen: 0,
      hasServed: false,
      uniqKey,
    };
    sticky.set(entry);
    return entry;
  }

  return {
    choose(question) {
      const unknown = question.ask.countries.find((country) => !isoCountries.has(country));
      if (unknown !== undefined) return refuse("country_not_offered", `${unknown} is not a country`);
      if (question.ask.session !== null) return chooseSticky(question, question.ask.session);
      if (question.ask.uniq !== null) return chooseUnique(question, `${question.proxyUserId} ${question.ask.uniq}`);
      const node = fresh(question, noAddresses, null);
      return "kind" in node ? node : { kind: "exit", node, sticky: null, isChanged: false };
    },
  };
}

/** The place must still be what is asked: the same name with another country is another wish. */
function isWanted(node: LiveNode, ask: Ask): boolean {
  return nodeSatisfies(node, ask) || (ask.widening !== "none" && nodeSatisfies(node, widenWish(ask, ask.widening)));
}

/** Longer than opening a connection may take; the end of the connection frees the address at once. */
const unnamedHoldMs = 60_000;
const noAddresses: ReadonlySet<string> = new Set();
