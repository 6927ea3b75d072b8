/** What a tunnel and its streams look like from outside. `createTunnel` makes them. */
import type { ControlMessage, ControlPayloads, ControlType } from "@karvon/wire";
import type { Duplex } from "node:stream";
import type { Allowance } from "./allowance.ts";

/** Codes of a RST frame. A number that is not listed here counts as `cancelled`. */
export const rstCodes = {
  cancelled: 1,
  refused: 2,
  dns: 3,
  unreachable: 4,
  timeout: 5,
  policy: 6,
  quota: 7,
  ownerStopped: 8,
  protocol: 9,
  /** The node has as many streams open as it may. */
  busy: 10,
  /** The target reset the connection after it was open. */
  targetReset: 11,
  /** The name server did not answer in time. */
  dnsTimeout: 12,
  /** The target has IPv6 addresses only and the node has no IPv6. */
  noIpv6: 13,
  /** Between gateway processes: the tunnel of the node behind this link is gone. */
  nodeLost: 14,
} as const;
export type RstName = keyof typeof rstCodes;

/** Reasons in a GOAWAY frame. */
export const goAwayReasons = { shutdown: 0, replaced: 1, ownerStopped: 2, suspended: 3, protocol: 9 } as const;
export type GoAwayName = keyof typeof goAwayReasons;

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** The connection that the node made, as OPENED tells it. */
export interface Connected {
  readonly address: string;
  readonly family: 4 | 6;
  readonly connectMs: number;
}

/** How a stream ended. "finished" = both sides half-closed; "lost" = the tunnel went away. */
export type StreamEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "reset"; readonly by: "here" | "peer"; readonly code: RstName }
  | { readonly kind: "lost" };

/** Where a stream's received bytes go: the part of a socket that the tunnel uses, so that others can stand in. */
export interface Sink {
  readonly destroyed: boolean;
  /** Bytes that it was given and has not passed on; without it those count for which `write` was false. */
  readonly writableLength?: number;
  /** Bytes that it has read and not handed over yet: a paused socket keeps up to two reads of 64 KB. */
  readonly readableLength?: number;
  /** False asks the stream to grant no credit for these bytes until `drained` is called. */
  write(chunk: Buffer): boolean;
  cork(): void;
  uncork(): void;
  end(): void;
  /** The stream has room again. */
  resume(): void;
  destroy(error?: Error): void;
}

/** What a sink's owner tells its stream. */
export interface SinkDriver {
  readonly isClosed: boolean;
  readonly isOnGateway: boolean;
  isSendQueueFull(): boolean;
  useSink(sink: Sink): void;
  push(chunk: Buffer): boolean;
  fin(): void;
  drained(): void;
  markPaused(): void;
  sinkClosed(code: RstName): void;
}

/** Hears of every growth of a stream's counters, before the bytes are handed on. */
export interface StreamMeter {
  moved(): void;
}

export interface TunnelStream {
  readonly id: number;
  /** Null while nobody asks. */
  meter: StreamMeter | null;
  /** Takes what it moves from now on from `allowance`; until then it is not limited. */
  spendFrom(allowance: Allowance): void;
  /** Client to node: payload bytes framed (gateway) or handed on (node). Grows only; a plain number, cheap to read. */
  readonly upBytes: number;
  /** Node to client: payload bytes handed on (gateway) or framed (node). */
  readonly downBytes: number;
  /** Bytes that wait in this process: for the sink to take them, or for the peer's credit. */
  readonly heldBytes: number;
  readonly isClosed: boolean;
  /** Node side only, once: the target is connected. Before it no payload may flow. */
  opened(connected: Connected): void;
  /**
   * Pipes `socket` and the stream both ways with back-pressure and half-close until both have ended; owns the socket
   * from then on. The socket needs `allowHalfOpen: true`. `head` is sent first, as if the socket had said it.
   * A reset destroys the socket (with a TCP reset where possible, so that nobody takes it for a clean end).
   */
  attach(socket: Duplex, head?: Buffer): void;
  /** The same as a Duplex, for code that transforms. Use one of this, `attach` and `connectSink`, once. */
  toDuplex(): Duplex;
  /**
   * Hands what arrives to `sink` as it comes, without a Duplex between; the answer drives the other direction. For code
   * that parses. `attach` may follow when parsing is over: then the socket takes the sink's place.
   */
  connectSink(sink: Sink): SinkDriver;
  /** Ends both directions at once; queued bytes are dropped. Nothing happens when the stream has ended. */
  reset(code: RstName): void;
  /** Called once, when the stream has ended in any way, also when it never opened. One listener; the last one counts. */
  onEnd(listener: (end: StreamEnd) => void): void;
}

/** Gateway side. Exactly one of `onOpened` and `onRefused` is called, then nothing but `onEnd`. */
export interface OpenHandlers {
  onOpened(connected: Connected): void;
  /** The node said no, or the tunnel was lost ("lost") before it said anything. Not called after a local `reset`. */
  onRefused(code: RstName | "lost"): void;
  onEnd?(end: StreamEnd): void;
}

export interface TunnelEnd {
  /**
   * "closed" by `close()`; "drained" after GOAWAY and the last stream; "peer-closed" TCP end; "silent" no frame in
   * time; "stalled" a write that never finished; "protocol" a violation by the peer; "error" of the socket.
   */
  readonly kind: "closed" | "drained" | "peer-closed" | "silent" | "stalled" | "protocol" | "error";
  readonly detail: string;
}

export interface TunnelOptions {
  /** A `tls.TLSSocket` or `net.Socket`, connected. The tunnel owns it from now on. */
  readonly socket: Duplex;
  readonly role: "gateway" | "node";
  /** Node side: the gateway asks for a connection. Answer with `stream.opened()` or `stream.reset()`. */
  readonly onOpen?: (stream: TunnelStream, target: Target) => void;
  /** A control frame, validated. A malformed one closes the tunnel before this is called. */
  readonly onControl?: (message: ControlMessage) => void;
  /** The peer announced that it takes no new streams. */
  readonly onGoAway?: (reason: GoAwayName) => void;
  /** Node side: the gateway asks for a second connection, to whoever answers at its address now; this one serves on. */
  readonly onRedial?: () => void;
  /** Called once. Every stream has had its `onEnd` before. */
  readonly onClose?: (end: TunnelEnd) => void;
  readonly limits?: Partial<TunnelLimits>;
  /**
   * Called before counted bytes leave this process, whichever way: once for all of an event-loop turn where possible. With it
   * nothing that arrives is handed on in the middle of a turn.
   */
  readonly beforeRelease?: (() => void) | null;
  /** One object for all tunnels of a process. Without it there is never any pressure. */
  readonly pressure?: MemoryPressure;
}

/** Kept by whoever watches the process's memory; a tunnel looks at it when it grants credit, and tells it what has to wait. */
export interface MemoryPressure {
  /** New streams start with the smallest window and no window grows beyond `tightWindowBytes`. */
  readonly isHigh: boolean;
  /** So many more bytes wait for a reader. Called in the middle of a transfer: it may end no stream before it returns. */
  readonly noteHeld: (bytes: number) => void;
}

export interface Tunnel {
  /** Gateway side. Throws only when the tunnel is closed or draining; look at `mayOpen` first. */
  open(target: Target, handlers: OpenHandlers): TunnelStream;
  readonly mayOpen: boolean;
  sendControl<Type extends ControlType>(type: Type, payload: ControlPayloads[Type]): void;
  /** Gateway side: asks the node to dial again while this connection serves on. Nothing happens at a node that cannot. */
  redial(): void;
  /** No new streams from now on; open ones may finish within `drainMs`, then the connection ends. */
  goAway(reason: GoAwayName): void;
  /** Sends what is queued (one second at most), then ends the connection. Open streams are lost. */
  close(): void;
  /** Last measured round trip; null before the first. */
  readonly rttMs: number | null;
  readonly openStreams: number;
  readonly isClosed: boolean;
  /** Payload of closed streams that arrived late and was dropped. */
  readonly lateBytes: number;
}

/** Every bound of a tunnel. `defaultLimits` holds the values. */
export interface TunnelLimits {
  readonly streamsMax: number;
  readonly startWindowBytes: number;
  /** A stream that finds less credit than this granted starts with the rest of it: one alone need not wait to be measured. */
  readonly firstCreditBytes: number;
  readonly minWindowBytes: number;
  readonly maxWindowBytes: number;
  /** The largest window while memory is short. */
  readonly tightWindowBytes: number;
  /** Bytes that the busy streams together may have on the way. */
  readonly activeCreditMaxBytes: number;
  /** Credit granted to all streams together, idle ones included. */
  readonly openCreditMaxBytes: number;
  readonly slabBytes: number;
  /** Slab while the round trip is long under load. */
  readonly slowSlabBytes: number;
  readonly pauseAtBytes: number;
  readonly resumeBelowBytes: number;
  /** Control frames that wait because the peer does not read; beyond it the tunnel ends as "stalled". */
  readonly controlQueueMaxBytes: number;
  readonly pingIdleMs: number;
  readonly deadAfterMs: number;
  readonly writeStallMs: number;
  readonly busyPingMs: number;
  readonly drainMs: number;
  /** A socket whose stream has ended cleanly and that takes nothing more of what it still holds is closed after this. */
  readonly lingerMs: number;
}
