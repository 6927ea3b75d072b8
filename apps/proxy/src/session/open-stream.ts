/**
 * Opens a stream on one node and waits for the node's word, at most `openTimeoutMs`.
 *
 * It says what happened; whether another node is tried is the session's business. A cancelled attempt resets the stream,
 * so that a client that went away leaves nothing open on a device.
 */
import type { Connected, RstName, StreamEnd, Target, TunnelStream } from "@karvon/tunnel";
import type { LiveNode } from "../tunnel/live-node.ts";

export type Attempt =
  | {
      readonly kind: "opened";
      readonly stream: TunnelStream;
      readonly connected: Connected;
      readonly onEnd: (listener: (end: StreamEnd) => void) => void;
    }
  | { readonly kind: "failed"; readonly cause: RstName | "lost" | "silent" };

export const openTimeoutMs = 12_000;

export function openStream(node: LiveNode, target: Target, timeoutMs: number): Promise<Attempt> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      stream.reset("cancelled");
      resolve({ kind: "failed", cause: "silent" });
    }, timeoutMs);
    node.streamsGiven += 1;
    let ended: StreamEnd | null = null;
    let listener: ((end: StreamEnd) => void) | null = null;
    const stream = node.tunnel.open(target, {
      onOpened(connected) {
        clearTimeout(timer);
        resolve({ kind: "opened", stream, connected, onEnd });
      },
      onEnd(end) {
        ended = end;
        listener?.(end);
      },
      onRefused(cause) {
        clearTimeout(timer);
        resolve({ kind: "failed", cause });
      },
    });
    /** Tells at once when the stream ended before anybody could listen. */
    function onEnd(tell: (end: StreamEnd) => void): void {
      listener = tell;
      if (ended !== null) tell(ended);
    }
  });
}

/** Why the session's traffic ended, for its row: our own reason if we cut it, else what the stream says. */
export function closeReasonOf(end: StreamEnd, cutReason: string | null): string {
  if (cutReason !== null) return cutReason;
  if (end.kind === "finished") return "finished";
  if (end.kind === "lost") return "node_lost";
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
};
