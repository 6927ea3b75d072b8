/**
 * Carries streams between the gateway and the servers they name, and knows at any time what passes.
 *
 * It outlives connections to the gateway: streams of an old connection may drain while a new one serves. It does not
 * decide whether to serve (start-agent.ts does) and reads no content. Limits: 1,024 streams; a stream that would be
 * one more is refused as busy.
 */
import type { RstName, StreamEnd, Target, TunnelStream } from "@karvon/tunnel";
import type { AgentEvent, PassingStream } from "../events.ts";
import { Cancellation, type ConnectRules, connectTarget } from "./connect-target.ts";

const streamsMax = 1_024;

interface Entry {
  readonly id: number;
  readonly target: Target;
  readonly stream: TunnelStream;
  readonly openedAtMs: number;
  readonly cancellation: Cancellation;
  address: string | null;
  localPort: number;
  /** What `takeBytes` has reported of this stream. */
  takenBytes: number;
}

export class Relay {
  private readonly entries = new Map<number, Entry>();
  private readonly rules: ConnectRules;
  private readonly onEvent: (event: AgentEvent) => void;
  private lastId = 0;
  private closedBytes = 0;

  constructor(rules: ConnectRules, onEvent: (event: AgentEvent) => void) {
    this.rules = rules;
    this.onEvent = onEvent;
  }

  accept(stream: TunnelStream, target: Target): void {
    if (this.entries.size >= streamsMax) return stream.reset("busy");
    this.lastId += 1;
    const entry: Entry = {
      id: this.lastId,
      target,
      stream,
      openedAtMs: Date.now(),
      cancellation: new Cancellation(),
      address: null,
      localPort: 0,
      takenBytes: 0,
    };
    this.entries.set(entry.id, entry);
    stream.onEnd((how) => this.end(entry, how));
    this.serve(entry).catch((cause: unknown) => {
      // connectTarget does not reject, so this is a fault of ours: the stream ends, the others go on.
      this.onEvent({ kind: "stream-refused", ...target, reason: cause instanceof Error ? cause.message : "unknown failure" });
      stream.reset("protocol");
    });
    return undefined;
  }

  list(): readonly PassingStream[] {
    return Array.from(this.entries.values(), ({ id, target, stream, address, openedAtMs }) => {
      const { upBytes, downBytes } = stream;
      return { id, ...target, address, openedAtMs, upBytes, downBytes };
    });
  }

  /** Payload bytes, both directions, since the last call. */
  takeBytes(): number {
    let bytes = this.closedBytes;
    this.closedBytes = 0;
    for (const entry of this.entries.values()) {
      const now = entry.stream.upBytes + entry.stream.downBytes;
      bytes += now - entry.takenBytes;
      entry.takenBytes = now;
    }
    return bytes;
  }

  /** Ends every stream at once. */
  cutAll(code: RstName): void {
    for (const entry of this.entries.values()) entry.stream.reset(code);
  }

  private async serve(entry: Entry): Promise<void> {
    const { id, stream, target } = entry;
    const outcome = await connectTarget(target, this.rules, entry.cancellation);
    if (outcome.kind === "refused") {
      if (stream.isClosed) return;
      this.onEvent({ kind: "stream-refused", ...target, reason: outcome.reason });
      return stream.reset(outcome.code);
    }
    const { socket, address, family, connectMs } = outcome;
    if (stream.isClosed) return void socket.destroy();
    entry.address = address;
    entry.localPort = socket.localPort ?? 0;
    this.onEvent({ kind: "stream-opened", id, ...target, address, localPort: entry.localPort });
    stream.opened({ address, family, connectMs });
    return stream.attach(socket);
  }

  private end(entry: Entry, how: StreamEnd): void {
    if (!this.entries.delete(entry.id)) return;
    entry.cancellation.cancel();
    const { upBytes, downBytes } = entry.stream;
    this.closedBytes += upBytes + downBytes - entry.takenBytes;
    if (entry.address === null) return;
    const { id, target, localPort } = entry;
    const durationMs = Date.now() - entry.openedAtMs;
    this.onEvent({ kind: "stream-closed", id, ...target, localPort, upBytes, downBytes, durationMs, end: describeEnd(how) });
  }
}

function describeEnd(end: StreamEnd): string {
  if (end.kind === "reset") return end.by === "here" ? `cut here (${end.code})` : `cut by the client (${end.code})`;
  return end.kind === "lost" ? "lost with the connection" : "finished";
}
