/** What a node's "no" means to the client, and whether another node may do better. */
import type { ProxyErrorCode } from "@karvon/domain";
import type { RstName } from "@karvon/tunnel";

export interface AttemptFailure {
  readonly kind: "failed";
  readonly code: ProxyErrorCode;
  /** The node caused it, so another node is tried. */
  readonly isNodesFault: boolean;
  /** Whom it speaks against: the node, maybe the node's line, or nobody here. */
  readonly blame: "node" | "line" | null;
  readonly detail: string;
}

export type FailureCause = RstName | "lost" | "silent" | "clientGone" | "unnamable";

const nodeAway = failed("node_connect_failed", true, "node", "the node went away");

export const attemptFailures: Readonly<Record<FailureCause, AttemptFailure>> = {
  cancelled: failed("node_connect_failed", true, "node", "the node gave up"),
  refused: failed("connect_refused", false, null, "the target refused the connection"),
  dns: failed("dns_error", false, null, "the name does not resolve"),
  dnsTimeout: failed("dns_timeout", false, "line", "the name server did not answer the node"),
  unreachable: failed("target_unroutable", false, "line", "the node has no way to the address"),
  timeout: failed("connect_timeout", false, "line", "the target did not answer the node"),
  policy: failed("private_address", false, null, "the name leads to an address that is not public"),
  quota: failed("node_connect_failed", true, "node", "the node reached its owner's limit"),
  ownerStopped: failed("node_connect_failed", true, "node", "the node's owner stopped it"),
  protocol: failed("node_connect_failed", true, "node", "the node broke the protocol"),
  busy: failed("node_connect_failed", true, "node", "the node is full"),
  targetReset: failed("target_reset", false, null, "the target reset the connection"),
  noIpv6: failed("no_ipv6", true, null, "the target has IPv6 addresses only and the node has none"),
  nodeLost: nodeAway,
  lost: nodeAway,
  silent: failed("node_connect_failed", true, "node", "the node did not answer"),
  unnamable: failed("node_connect_failed", true, null, "the name is too long for a node of another gateway process"),
  clientGone: failed("client_closed", false, null, "the client went away before the node had answered"),
};

/** Another connection of the same session took another exit while this one opened. */
export const movedMeanwhile = failed("node_connect_failed", true, null, "the session moved to another exit meanwhile");

function failed(code: ProxyErrorCode, isNodesFault: boolean, blame: AttemptFailure["blame"], detail: string): AttemptFailure {
  return { kind: "failed", code, isNodesFault, blame, detail };
}
