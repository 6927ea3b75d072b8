/** How a link's OPEN names both the node and the target: `node/host` in the place of the host. Pure. */
import type { Target } from "@karvon/tunnel";

/** RangeError from the tunnel when both together are longer than the 255 bytes that an OPEN frame takes. */
export function linkTarget(nodeId: string, target: Target): Target {
  return { host: `${nodeId}/${target.host}`, port: target.port };
}

export function readLinkTarget(target: Target): { readonly nodeId: string; readonly target: Target } | null {
  const at = target.host.indexOf("/");
  return at <= 0 ? null : { nodeId: target.host.slice(0, at), target: { host: target.host.slice(at + 1), port: target.port } };
}
