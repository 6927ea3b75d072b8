/**
 * The one session that a client connection may keep open between two requests, and which request may have it.
 *
 * Same credentials, same target, same exit; everything else ends it. Limit: one.
 */
import type { HttpRequestHead } from "@karvon/wire";
import type { UserAccount } from "../session/accounts.ts";
import type { OpenedSession } from "../session/open-session.ts";
import { isIdempotent } from "./http-exchange.ts";
import type { Upstream } from "./upstream.ts";

/** A target may be closing a connection that rests; a request that must not be repeated is sent on a young one only. */
const unsafeRestMsMax = 1_000;

export class RestingUpstream {
  readonly #nowMs: () => number;
  #upstream: Upstream | null = null;
  /** On the monotonic clock. */
  #sinceMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get isEmpty(): boolean {
    return this.#upstream === null;
  }

  put(upstream: Upstream): void {
    this.#upstream = upstream;
    this.#sinceMs = performance.now();
    upstream.opened.line.rest();
  }

  /** The session, if this request may go over it; else it ends here. */
  take(head: HttpRequestHead, target: { readonly host: string; readonly port: number }, account: UserAccount): Upstream | null {
    const upstream = this.#upstream;
    if (upstream === null) return null;
    this.#upstream = null;
    const { key, opened } = upstream;
    const isSame =
      key.host === target.host &&
      key.port === target.port &&
      key.authorization === head.proxyAuthorization &&
      opened.line.live.user === account;
    if (!isSame || !this.#isFit(head) || !this.#isExitStill(opened)) {
      upstream.finish();
      return null;
    }
    opened.line.wake();
    return upstream;
  }

  drained(): void {
    this.#upstream?.drained();
  }

  /** The session has ended by itself. */
  forget(): void {
    this.#upstream = null;
  }

  end(): void {
    this.#upstream?.finish();
    this.#upstream = null;
  }

  #isFit(head: HttpRequestHead): boolean {
    if (head.version !== "1.1" || head.upgrade !== null) return false;
    return isIdempotent(head.method) || performance.now() - this.#sinceMs < unsafeRestMsMax;
  }

  /** A named session may have run out or moved, and a node may have asked for rest. */
  #isExitStill({ node, sticky }: OpenedSession): boolean {
    if (!node.isServing) return false;
    return sticky === null || (sticky.nodeId === node.nodeId && this.#nowMs() < sticky.expiresAtMs);
  }
}
