/**
 * A sibling's node, seen through the link to that sibling: opens streams like the node's own tunnel, one hop further.
 *
 * Only what routing and sessions ask of a tunnel is here; the connection itself belongs to the sibling, so control frames
 * and endings are not sent from here.
 */
import type { OpenHandlers, Target, Tunnel, TunnelStream } from "@karvon/tunnel";
import { linkTarget } from "./link-target.ts";

/** The link as it is at this moment; null while there is none. */
export type FindLink = () => Tunnel | null;

export class LinkTunnel implements Tunnel {
  /** What the sibling told last, and what was opened from here since. */
  openStreams = 0;
  isClosed = false;
  readonly lateBytes = 0;
  readonly rttMs = null;
  readonly #nodeId: string;
  readonly #findLink: FindLink;

  constructor(nodeId: string, findLink: FindLink) {
    this.#nodeId = nodeId;
    this.#findLink = findLink;
  }

  get mayOpen(): boolean {
    return !this.isClosed && (this.#findLink()?.mayOpen ?? false);
  }

  open(target: Target, handlers: OpenHandlers): TunnelStream {
    const link = this.#findLink();
    if (link === null) throw new Error("there is no link to the node's gateway process");
    this.openStreams += 1;
    return link.open(linkTarget(this.#nodeId, target), handlers);
  }

  sendControl(): void {
    // The sibling talks to the node.
  }

  redial(): void {
    // The sibling asks the node.
  }

  goAway(): void {
    this.isClosed = true;
  }

  close(): void {
    this.isClosed = true;
  }
}
