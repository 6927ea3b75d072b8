/** What a node's "no" means to the client, and whether another node may do better. */
import type { ProxyErrorCode } from "@karvon/domain";
import type { RstName } from "@karvon/tunnel";

export interface AttemptFailure {
  readonly code: ProxyErrorCode;
  /** The node caused it, so another node is tried. */
  readonly isNodesFault: boolean;
  readonly detail: string;
}

export type FailureCause = RstName | "lost" | "silent";

export const attemptFailures: Readonly<Record<FailureCause, AttemptFailure>> = {
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
