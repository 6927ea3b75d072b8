/**
 * Opens a stream on one node and waits for the node's word, at most the given time and as long as the client is there.
 *
 * It says what happened; whether another node is tried is the session's business. An attempt that is given up resets the
 * stream, so that nothing stays open on a device. What it keeps for the life of a session is one small object.
 */
import type { Connected, OpenHandlers, RstName, StreamEnd, Target, TunnelStream } from "@karvon/tunnel";
import type { LiveNode } from "../tunnel/live-node.ts";
import type { FailureCause } from "./attempt-failures.ts";

export type Attempt = OpenedAttempt | { readonly kind: "failed"; readonly cause: FailureCause };

export interface OpenedAttempt {
  readonly kind: "opened";
  readonly stream: TunnelStream;
  readonly connected: Connected;
  /** Its `ended` is null while the stream is open: it may have ended before anybody could listen. */
  readonly opening: { readonly ended: StreamEnd | null };
}

/** The connection of who asked, as far as an opening has to know of it: "close" comes when it is gone. */
export interface ClientPresence {
  readonly destroyed: boolean;
  on(event: "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
}

/** A client that goes away meanwhile ends the attempt. One that only half-closes still waits for its answer. */
export function openStream(node: LiveNode, target: Target, timeoutMs: number, client: ClientPresence): Promise<Attempt> {
  if (client.destroyed) return Promise.resolve({ kind: "failed", cause: "clientGone" });
  // The node is full by now, or the way to it is down at this moment.
  if (!node.tunnel.mayOpen) return Promise.resolve({ kind: "failed", cause: "busy" });
  return new StreamOpening().start(node, target, timeoutMs, client);
}

class StreamOpening implements OpenHandlers {
  ended: StreamEnd | null = null;
  #stream: TunnelStream | null = null;
  #timer: NodeJS.Timeout | null = null;
  #resolve: ((attempt: Attempt) => void) | null = null;
  /** While the node is asked. */
  #watch: { readonly client: ClientPresence; readonly onGone: () => void } | null = null;

  start(node: LiveNode, target: Target, timeoutMs: number, client: ClientPresence): Promise<Attempt> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#timer = setTimeout(() => this.#giveUp("silent"), timeoutMs);
      const onGone = (): void => this.#giveUp("clientGone");
      this.#watch = { client, onGone };
      client.on("close", onGone);
      try {
        this.#stream = node.tunnel.open(target, this);
      } catch (cause) {
        // A node of another process is named together with the target, for which an OPEN frame may be too short.
        if (!(cause instanceof RangeError)) throw cause;
        this.#settle({ kind: "failed", cause: "unnamable" });
      }
    });
  }

  onOpened(connected: Connected): void {
    if (this.#stream !== null) this.#settle({ kind: "opened", stream: this.#stream, connected, opening: this });
  }

  onRefused(cause: RstName | "lost"): void {
    this.#settle({ kind: "failed", cause });
  }

  onEnd(end: StreamEnd): void {
    this.ended = end;
  }

  #giveUp(cause: FailureCause): void {
    this.#stream?.reset("cancelled");
    this.#settle({ kind: "failed", cause });
  }

  /** Lets go of timer, promise and listener: a held session must not carry them. */
  #settle(attempt: Attempt): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#watch?.client.off("close", this.#watch.onGone);
    this.#watch = null;
    this.#resolve?.(attempt);
    this.#resolve = null;
  }
}

/** The close reason of a session whose node went away with it. */
export const nodeLost = "node_lost";

/** Why the session's traffic ended, for its row: our own reason if we cut it, else what the stream says. */
export function closeReasonOf(end: StreamEnd, cutReason: string | null): string {
  if (cutReason !== null) return cutReason;
  if (end.kind === "finished") return "finished";
  if (end.kind === "lost") return nodeLost;
  return end.by === "here" ? "client_closed" : resetReasons[end.code];
}

const resetReasons: Readonly<Record<RstName, string>> = {
  cancelled: "node_closed",
  refused: "connect_refused",
  dns: "dns_error",
  unreachable: "target_unroutable",
  timeout: "connect_timeout",
  policy: "private_address",
  quota: "node_limit",
  ownerStopped: "owner_stopped",
  protocol: "node_closed",
  busy: "node_closed",
  targetReset: "target_reset",
  dnsTimeout: "dns_timeout",
  noIpv6: "no_ipv6",
  nodeLost,
};
