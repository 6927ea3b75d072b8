/**
 * An open session: its stream, its entry in the books, its place under the limits, its named session.
 *
 * Everything that must happen when the traffic ends happens here, once, however it ends.
 */
import type { SessionFacts } from "@karvon/billing";
import type { StreamEnd, TunnelStream } from "@karvon/tunnel";
import { SessionShare } from "../quota/session-share.ts";
import type { Allowances, LiveSession, SessionLog } from "../radar/session-log.ts";
import type { Exits } from "../router/exits.ts";
import type { NameUse, StickySession } from "../router/sticky-sessions.ts";
import type { LiveNode } from "../tunnel/live-node.ts";
import type { TagAccount } from "./accounts.ts";
import { closeReasonOf, nodeLost, type OpenedAttempt } from "./open-stream.ts";
import type { SessionSlot } from "./session-limits.ts";

export interface LineOptions {
  readonly sessions: SessionLog;
  readonly router: Exits<LiveNode>;
  readonly names: NameUse;
  readonly nowMs: () => number;
}

export interface NewLine {
  readonly facts: SessionFacts;
  readonly node: LiveNode;
  readonly attempt: OpenedAttempt;
  readonly slot: SessionSlot;
  readonly maxBytes: number | null;
  readonly tag: TagAccount | null;
  /** Of the user, and of the tag where it has caps: what their sessions may move together. */
  readonly allowances: Allowances;
  readonly sticky: StickySession | null;
  /** The sticky entry only holds an address for this one connection. */
  readonly isUnnamed: boolean;
}

export class SessionLine {
  readonly stream: TunnelStream;
  readonly live: LiveSession;
  readonly #options: LineOptions;
  readonly #node: LiveNode;
  readonly #slot: SessionSlot;
  readonly #sticky: StickySession | null;
  readonly #isUnnamed: boolean;
  readonly #maxBytes: number | null;
  #share: SessionShare | null = null;
  #cutReason: string | null = null;
  /** Between two requests: it says nothing about the node's line. */
  #restedMs = 0;
  #restsSinceMs: number | null = null;

  constructor(options: LineOptions, line: NewLine) {
    const { attempt, slot, sticky } = line;
    this.#options = options;
    this.#node = line.node;
    this.#slot = slot;
    this.#sticky = sticky;
    this.#isUnnamed = line.isUnnamed;
    this.stream = attempt.stream;
    this.#maxBytes = line.maxBytes;
    this.spendFrom(line.allowances);
    this.live = options.sessions.open({
      facts: line.facts,
      stream: attempt.stream,
      user: slot.user,
      tag: line.tag,
      maxBytes: line.maxBytes,
      targetAddress: attempt.connected.address,
      line: this,
    });
    if (sticky !== null) options.names.opened(sticky);
    const { ended } = attempt.opening;
    if (ended === null) attempt.stream.onEnd((end) => this.#end(end));
    else this.#end(ended);
  }

  /** A session that is under no cap of its own or its tag's takes from its user's allowance itself. */
  spendFrom(allowances: Allowances): void {
    if (this.#share !== null) return this.#share.takeFrom(allowances);
    if (allowances.length === 1 && this.#maxBytes === null) return this.stream.spendFrom(allowances[0]);
    this.#share = new SessionShare(allowances, this.#maxBytes ?? Infinity);
    this.stream.spendFrom(this.#share.allowance);
  }

  /** Ends the traffic for a reason of ours. The first reason counts. */
  cut(reason: string): void {
    this.#cutReason ??= reason;
    this.stream.reset("quota");
  }

  /** The client has got all it asked for: ends the stream, whatever the target still keeps open. */
  finish(): void {
    this.#cutReason ??= "finished";
    this.stream.reset("cancelled");
  }

  /** The client asks for nothing until `wake`. */
  rest(): void {
    this.#restsSinceMs ??= this.#options.nowMs();
  }

  wake(): void {
    if (this.#restsSinceMs !== null) this.#restedMs += this.#options.nowMs() - this.#restsSinceMs;
    this.#restsSinceMs = null;
  }

  #end(how: StreamEnd): void {
    this.wake();
    const { sessions, names, router, nowMs } = this.#options;
    const { upBytes, downBytes } = this.stream;
    const reason = closeReasonOf(how, this.#cutReason);
    sessions.close(this.live, reason);
    this.#share?.close();
    this.#slot.release();
    const busyMs = nowMs() - this.live.facts.openedAtMs - this.#restedMs;
    router.ended(this.#node, { isLost: reason === nodeLost, bytes: upBytes + downBytes, busyMs });
    const entry = this.#sticky;
    if (entry === null) return;
    names.closed(entry, upBytes + downBytes);
    if (this.#isUnnamed) names.drop(entry);
  }
}
