/**
 * Local links: one stream-multiplexed connection to each sibling over a socket in a folder that only this user may enter.
 *
 * Whoever dials opens streams; whoever listens finds the node and joins the two streams. A sibling shows the launcher's
 * secret first. Both ends use the tunnel's multiplexer, so a slow client stops its own stream only. Bytes are counted by
 * the process that dialled, which owns the session; here none is counted.
 *
 * Limits: 16,000 streams and 256 MiB granted a link, 5 s for the greeting, 32 connections; a link that breaks is
 * dialled again every 250 ms while the sibling lives.
 */
import type { Logger } from "@karvon/telemetry";
import { createTunnel, type StreamEnd, type Target, type Tunnel, type TunnelLimits, type TunnelStream } from "@karvon/tunnel";
import { createHash, timingSafeEqual } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { LiveNode } from "../tunnel/live-node.ts";
import { readLinkTarget } from "./link-target.ts";

export interface LinksOptions {
  readonly selfId: number;
  readonly folder: string;
  /** base64url of 32 bytes. */
  readonly secret: string;
  /** A node whose tunnel ends here. */
  readonly findNode: (nodeId: string) => LiveNode | null;
  /** See TunnelOptions. */
  readonly beforeRelease: (() => void) | null;
  /** A link is up, for the first time or again. */
  readonly onUp: (id: number) => void;
  readonly log: Logger;
}

export interface Links {
  /** Listens for siblings. */
  open(): Promise<void>;
  /** Begins to hold a link to the sibling. */
  connect(id: number): void;
  /** The sibling is gone. */
  disconnect(id: number): void;
  /** Null while there is no link. */
  find(id: number): Tunnel | null;
  /** Streams that siblings have open on nodes of this process. */
  readonly servedStreams: number;
  close(): Promise<void>;
}

const kb = 1_024;
const mb = 1_024 * kb;
/** A link is as fast as memory and carries the streams of many nodes. */
const linkLimits: Partial<TunnelLimits> = {
  streamsMax: 16_000,
  startWindowBytes: 256 * kb,
  minWindowBytes: 64 * kb,
  maxWindowBytes: 4 * mb,
  activeCreditMaxBytes: 64 * mb,
  openCreditMaxBytes: 256 * mb,
  slabBytes: 128 * kb,
  slowSlabBytes: 128 * kb,
};
const secretBytes = 32;
const greetingTimeoutMs = 5_000;
const redialMs = 250;
const connectionsMax = 32;

export function createLinks(options: LinksOptions): Links {
  return new LinkDesk(options);
}

class LinkDesk implements Links {
  readonly #options: LinksOptions;
  readonly #secret: Buffer;
  readonly #server: Server;
  readonly #lines = new Map<number, Line>();
  readonly #served = new Set<Tunnel>();
  readonly #sockets = new Set<Socket>();

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#secret = Buffer.from(options.secret, "base64url");
    this.#server = createServer({ allowHalfOpen: true, highWaterMark: 65_536 }, (socket) => this.#greet(socket));
    this.#server.maxConnections = connectionsMax;
    this.#server.on("error", (cause) => options.log.error({ event: "link.listener-failed", cause }));
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      // Exclusive: in a process of a cluster the launcher would share the socket among all of them.
      this.#server.listen({ path: linkPath(this.#options.folder, this.#options.selfId), exclusive: true }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  connect(id: number): void {
    if (!this.#lines.has(id)) {
      const { folder, beforeRelease, onUp } = this.#options;
      this.#lines.set(id, new Line({ path: linkPath(folder, id), secret: this.#secret, beforeRelease, onUp: () => onUp(id) }));
    }
  }

  disconnect(id: number): void {
    this.#lines.get(id)?.close();
    this.#lines.delete(id);
  }

  find(id: number): Tunnel | null {
    return this.#lines.get(id)?.tunnel ?? null;
  }

  get servedStreams(): number {
    let streams = 0;
    for (const tunnel of this.#served) streams += tunnel.openStreams;
    return streams;
  }

  async close(): Promise<void> {
    for (const id of this.#lines.keys()) this.disconnect(id);
    const isClosed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const tunnel of this.#served) tunnel.close();
    for (const socket of this.#sockets) socket.destroy();
    await isClosed;
  }

  /** Reads the secret, and nothing of a stranger's beyond it. */
  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), greetingTimeoutMs);
    socket.on("error", ignoreError);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      if (received.length < secretBytes) return;
      socket.off("data", onData);
      socket.pause();
      clearTimeout(timer);
      if (!isSame(received.subarray(0, secretBytes), this.#secret)) {
        this.#options.log.warn({ event: "link.stranger" });
        socket.destroy();
        return;
      }
      if (received.length > secretBytes) socket.unshift(received.subarray(secretBytes));
      this.#serve(socket);
    };
    socket.on("data", onData);
  }

  #serve(socket: Socket): void {
    const tunnel = createTunnel({
      socket,
      role: "node",
      limits: linkLimits,
      onOpen: (stream, target) => this.#join(stream, target),
      onClose: () => this.#served.delete(tunnel),
    });
    this.#served.add(tunnel);
  }

  #join(stream: TunnelStream, linked: Target): void {
    const asked = readLinkTarget(linked);
    const node = asked === null ? null : this.#options.findNode(asked.nodeId);
    if (asked === null || node === null || !node.tunnel.mayOpen) {
      stream.reset("busy");
      return;
    }
    let isJoined = false;
    const onward = node.tunnel.open(asked.target, {
      onOpened(connected) {
        isJoined = true;
        stream.opened(connected);
        stream.attach(onward.toDuplex());
      },
      onRefused: (code) => stream.reset(code === "lost" ? "nodeLost" : code),
      onEnd(end) {
        if (isJoined) passOn(stream, end);
      },
    });
    // Once joined, each ends the other in its own way: a reset here would drop what is still on its way to the target.
    stream.onEnd(() => {
      if (!isJoined) onward.reset("cancelled");
    });
  }
}

/** Tells the session's process why the node's side broke off. What a target sent before its reset still goes first. */
function passOn(stream: TunnelStream, end: StreamEnd): void {
  if (end.kind === "lost") stream.reset("nodeLost");
  else if (end.kind === "reset" && end.by === "peer" && end.code !== "targetReset") stream.reset(end.code);
}

interface LineOptions extends Pick<LinksOptions, "beforeRelease"> {
  readonly path: string;
  readonly secret: Buffer;
  readonly onUp: () => void;
}

/** The dialling end of one link. */
class Line {
  tunnel: Tunnel | null = null;
  readonly #options: LineOptions;
  #timer: NodeJS.Timeout | null = null;
  #socket: Socket | null = null;
  #isClosed = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#dial();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.tunnel?.close();
    this.tunnel = null;
    if (this.#socket?.connecting === true) this.#socket.destroy();
  }

  #dial(): void {
    const { path, secret, beforeRelease, onUp } = this.#options;
    const socket = connect({ path, allowHalfOpen: true });
    this.#socket = socket;
    const onLost = (): void => this.#lost();
    socket.on("error", ignoreError);
    socket.once("close", onLost);
    socket.once("connect", () => {
      socket.off("close", onLost);
      socket.write(secret);
      this.tunnel = createTunnel({ socket, role: "gateway", limits: linkLimits, beforeRelease, onClose: onLost });
      onUp();
    });
  }

  #lost(): void {
    this.tunnel = null;
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#dial(), redialMs);
    this.#timer.unref();
  }
}

/** Windows has named pipes in a name space of their own. */
function linkPath(folder: string, id: number): string {
  return process.platform === "win32"
    ? `\\\\.\\pipe\\karvon-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}-${id}`
    : join(folder, `${id}.sock`);
}

function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function ignoreError(): void {
  // 'close' follows.
}
