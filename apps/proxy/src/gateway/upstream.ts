/**
 * The target's side of plain HTTP: an open session whose stream carries one request after another.
 *
 * Bytes go to whoever uses it now. While nobody does it rests, and the first thing that the target does then, closing or
 * speaking unasked, ends it: what would come next could belong to no request. It reads no HTTP itself.
 */
import type { Sink, SinkDriver } from "@karvon/tunnel";
import type { Socket } from "node:net";
import type { OpenedSession } from "../session/open-session.ts";
import { exitLines } from "./exit-fields.ts";

/** The request that is on its way. */
export interface UpstreamUser {
  /** False asks the target to wait until `drained`. */
  answered(chunk: Buffer): boolean;
  targetEnded(): void;
  targetLost(): void;
  targetHasRoom(): void;
}

/** Which requests may go over it: those of the same credentials to the same target. */
export interface UpstreamKey {
  /** The value of Proxy-Authorization; null for an allowlisted address. */
  readonly authorization: string | null;
  readonly host: string;
  readonly port: number;
}

export interface UpstreamOptions {
  readonly opened: OpenedSession;
  readonly key: UpstreamKey;
  readonly socket: Socket;
  /** It ended while it rested. */
  readonly onRestEnded: () => void;
  /** Something failed that nobody foresaw. */
  readonly onFault: (cause: unknown) => void;
}

export class Upstream implements Sink {
  destroyed = false;
  /** Null while it rests. */
  user: UpstreamUser | null = null;
  hasAnswered = false;
  readonly opened: OpenedSession;
  readonly key: UpstreamKey;
  readonly #options: UpstreamOptions;
  #driver: SinkDriver | null = null;
  #ownLines: string | null = null;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.opened = options.opened;
    this.key = options.key;
  }

  /** What arrived before this goes to `user` at once. */
  connect(): void {
    this.#driver = this.opened.line.stream.connectSink(this);
  }

  /** The proxy's own lines of the next answer. Only the first one tells that the exit has changed. */
  takeOwnLines(): string {
    const { opened } = this;
    const requestId = opened.line.live.facts.id;
    if (!this.hasAnswered) {
      this.hasAnswered = true;
      this.#ownLines = opened.isExitChanged ? null : exitLines(requestId, opened);
      return this.#ownLines ?? exitLines(requestId, opened);
    }
    this.#ownLines ??= exitLines(requestId, { ...opened, isExitChanged: false });
    return this.#ownLines;
  }

  /** False when the target takes no more for now; `targetHasRoom` follows. */
  send(bytes: Buffer): boolean {
    const driver = this.#driver;
    if (driver === null || driver.push(bytes)) return true;
    driver.markPaused();
    return false;
  }

  /** The client has taken everything that it was given. */
  drained(): void {
    this.#driver?.drained();
  }

  /** Ends the session: its client got what it asked for. */
  finish(): void {
    this.user = null;
    if (this.destroyed) return;
    this.destroyed = true;
    this.opened.line.finish();
  }

  /** Ends the session: its client is gone. */
  abandon(): void {
    this.user = null;
    if (this.destroyed) return;
    this.destroyed = true;
    this.opened.line.stream.reset("cancelled");
  }

  // What the stream says

  write(chunk: Buffer): boolean {
    try {
      if (this.user !== null) return this.user.answered(chunk);
      this.#endRest();
    } catch (cause) {
      this.#options.onFault(cause);
    }
    return true;
  }

  end(): void {
    this.#tell((user) => user.targetEnded());
  }

  destroy(): void {
    this.destroyed = true;
    this.#tell((user) => user.targetLost());
  }

  resume(): void {
    if (this.user !== null) this.#tell((user) => user.targetHasRoom());
  }

  cork(): void {
    this.#options.socket.cork();
  }

  uncork(): void {
    this.#options.socket.uncork();
  }

  #tell(what: (user: UpstreamUser) => void): void {
    try {
      if (this.user === null) this.#endRest();
      else what(this.user);
    } catch (cause) {
      this.#options.onFault(cause);
    }
  }

  #endRest(): void {
    this.finish();
    this.#options.onRestEnded();
  }
}
