/**
 * The other gateway processes of this machine, as one part: their nodes join the router's choice, this process's nodes
 * are told to them, and a node that moves between processes keeps its sessions.
 *
 * Without a launcher there is no membership and none of this runs.
 *
 * Limits: 3 s for what the siblings tell of their nodes before this process serves without it.
 */
import type { Logger } from "@karvon/telemetry";
import type { LiveNode } from "../tunnel/live-node.ts";
import type { NodeDirectory } from "../router/node-directory.ts";
import type { QualityBook } from "../router/quality-book.ts";
import { type Announcer, createAnnouncer } from "./announcer.ts";
import type { Router } from "../router/choose-exit.ts";
import type { StickySessions } from "../router/sticky-sessions.ts";
import type { SharedCounts } from "../session/shared-count.ts";
import { CountDesk } from "./count-desk.ts";
import type { Letter } from "./letters.ts";
import { createLinks, type Links } from "./links.ts";
import type { Membership } from "./membership.ts";
import { NameDesk } from "./name-desk.ts";
import { createRemoteFleet, type RemoteFleet } from "./remote-fleet.ts";

export interface SiblingsOptions {
  readonly membership: Membership;
  readonly local: NodeDirectory<LiveNode>;
  readonly all: NodeDirectory<LiveNode>;
  readonly qualities: QualityBook;
  readonly sticky: StickySessions;
  readonly shared: SharedCounts;
  /** Over `all`. */
  readonly router: Pick<Router<LiveNode>, "choose">;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** A node whose tunnel ends here, also one that is about to leave. */
  readonly findNode: (nodeId: string) => LiveNode | null;
  readonly onMoved: (node: LiveNode) => void;
  /** A sibling ended the node's connection for good. */
  readonly onDismissed: (nodeId: string, isExpelled: boolean) => void;
  readonly onPorts: (ports: readonly number[]) => void;
  readonly onRetire: () => void;
  /** See TunnelOptions. */
  readonly beforeRelease: (() => void) | null;
}

export interface Siblings {
  readonly announcer: Announcer;
  readonly links: Links;
  readonly names: NameDesk<LiveNode>;
  /** Nodes of siblings. */
  readonly remotesCount: number;
  /**
   * Opens the door for siblings and waits until they have told of their nodes and of the named sessions. `ports` are this
   * process's own, which no session of a sibling may lead to either.
   */
  open(ports: readonly number[]): Promise<void>;
  /** A node's connection was ended here for good. */
  dismissed(nodeId: string, isExpelled: boolean): void;
  /** Tells the siblings that this process leaves; the next one keeps the named sessions from then on. */
  retire(): void;
  /** A node's tunnel here is gone. */
  left(node: LiveNode): void;
  close(): Promise<void>;
}

const picturesTimeoutMs = 3_000;

export function createSiblings(options: SiblingsOptions): Siblings {
  return new SiblingDesk(options);
}

class SiblingDesk implements Siblings {
  readonly announcer: Announcer;
  readonly links: Links;
  readonly names: NameDesk<LiveNode>;
  readonly #counts: CountDesk;
  readonly #options: SiblingsOptions;
  readonly #fleet: RemoteFleet;
  /** Pictures of siblings' nodes, links to them, and the book of names, that are not there yet. */
  readonly #awaited = new Set<string>();
  #onComplete: (() => void) | null = null;
  #ports: readonly number[] = [];

  constructor(options: SiblingsOptions) {
    const { membership, local } = options;
    this.#options = options;
    this.links = createLinks({
      selfId: membership.id,
      folder: membership.welcome.linkFolder,
      secret: membership.welcome.linkSecret,
      findNode: options.findNode,
      beforeRelease: options.beforeRelease,
      onUp: (id) => {
        this.#fleet.linked(id);
        this.#arrived(`link ${id}`);
      },
      log: options.log,
    });
    this.#fleet = createRemoteFleet({ ...options, links: this.links });
    this.names = new NameDesk({ ...options, findNode: (nodeId) => options.all.find(nodeId), onWhole: () => this.#arrived("names") });
    this.#counts = new CountDesk({ counts: options.shared, broadcast: (letter) => membership.broadcast(letter) });
    this.announcer = createAnnouncer({
      local,
      hasListeners: () => membership.others.size > 0,
      broadcast: (letter) => membership.broadcast(letter),
    });
  }

  get remotesCount(): number {
    return this.#fleet.size;
  }

  async open(ports: readonly number[]): Promise<void> {
    const { membership } = this.#options;
    this.#ports = ports;
    await this.links.open();
    for (const id of membership.others.keys()) this.#awaited.add(`nodes ${id}`).add(`link ${id}`);
    if (!membership.isLeader) this.#awaited.add("names");
    membership.listen({
      onLetter: (from, letter) => this.#onLetter(from, letter),
      onMember: (member) => this.#onMember(member.id),
      onLeft: (id) => this.#onLeft(id),
      onRetire: () => this.#options.onRetire(),
    });
    for (const id of membership.others.keys()) this.#meet(id);
    if (this.#awaited.size > 0) await this.#complete();
    this.names.begin();
  }

  retire(): void {
    this.names.flush();
    this.#options.membership.declare("retiring");
    this.names.reconsider();
  }

  async #complete(): Promise<void> {
    const { log } = this.#options;
    const timer = setTimeout(() => {
      log.warn({ event: "siblings.silent", missing: [...this.#awaited] });
      this.#onComplete?.();
    }, picturesTimeoutMs);
    await new Promise<void>((resolve) => (this.#onComplete = resolve));
    clearTimeout(timer);
  }

  dismissed(nodeId: string, isExpelled: boolean): void {
    this.#options.membership.broadcast({ kind: "dismissed", nodeId, isExpelled });
  }

  left(node: LiveNode): void {
    this.announcer.left(node);
    this.#fleet.restore(node.nodeId);
  }

  async close(): Promise<void> {
    this.announcer.close();
    this.names.close();
    this.#counts.close();
    await this.links.close();
  }

  /** Whoever is met for the first time is told what is here; both do so. */
  readonly #met = new Set<number>();
  #meet(id: number): void {
    if (this.#met.has(id)) return;
    this.#met.add(id);
    this.links.connect(id);
    this.#options.membership.send(id, { kind: "ports", ports: this.#ports });
    this.#counts.meet((letter) => this.#options.membership.send(id, letter));
    this.announcer.describeAll((letter) => this.#options.membership.send(id, letter));
    this.names.meet(id);
  }

  #onMember(id: number): void {
    this.#meet(id);
    this.names.reconsider();
  }

  #onLeft(id: number): void {
    this.#met.delete(id);
    this.links.disconnect(id);
    this.#fleet.left(id);
    this.#counts.left(id, this.#options.membership.others.size > 0);
    this.names.left(id);
    if (this.#options.membership.isLeader) this.#arrived("names");
    this.#arrived(`nodes ${id}`);
    this.#arrived(`link ${id}`);
  }

  #onLetter(from: number, letter: Letter): void {
    switch (letter.kind) {
      case "nodes":
        this.#fleet.told(from, letter.nodes);
        if (letter.isWhole) this.#arrived(`nodes ${from}`);
        return undefined;
      case "gone":
        return this.#fleet.gone(from, letter.nodeIds);
      case "loads":
        return this.#fleet.loads(from, letter.loads);
      case "dismissed":
        return this.#options.onDismissed(letter.nodeId, letter.isExpelled);
      case "ports":
        return this.#options.onPorts(letter.ports);
      case "counts":
        return this.#counts.onLetter(from, letter);
      default:
        return this.names.onLetter(from, letter);
    }
  }

  #arrived(what: string): void {
    this.#awaited.delete(what);
    if (this.#awaited.size === 0) this.#onComplete?.();
  }
}
