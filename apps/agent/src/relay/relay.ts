/**
 * Carries streams between the gateway and the servers they name, and knows at any time what passes.
 *
 * It outlives connections to the gateway: streams of an old connection may drain while a new one serves. It does not
 * decide whether to serve (start-agent.ts does) and reads no content. Limits: 256 streams; a stream that would be one
 * more is refused as busy.
 */
import type { RstName, StreamEnd, Target, TunnelStream } from "@karvon/tunnel";
import type { AgentEvent, PassingStream } from "../events.ts";
import { type ConnectRules, connectTarget } from "./connect-target.ts";

const streamsMax = 256;

export interface Relay {
  accept(stream: TunnelStream, target: Target): void;
  list(): readonly PassingStream[];
  readonly size: number;
  /** Payload bytes, both directions, since the last call. */
  takeBytes(): number;
  /** Ends every stream at once. */
  cutAll(code: RstName): void;
}

interface Entry {
  readonly id: number;
  readonly target: Target;
  readonly stream: TunnelStream;
  readonly openedAtMs: number;
  readonly abort: AbortController;
  address: string | null;
  /** What `takeBytes` has reported of this stream. */
  takenBytes: number;
}

export function createRelay(rules: ConnectRules, onEvent: (event: AgentEvent) => void): Relay {
  const entries = new Map<number, Entry>();
  let lastId = 0;
  let closedBytes = 0;

  function end(entry: Entry, how: StreamEnd): void {
    if (!entries.delete(entry.id)) return;
    entry.abort.abort();
    const { upBytes, downBytes } = entry.stream;
    closedBytes += upBytes + downBytes - entry.takenBytes;
    if (entry.address === null) return;
    const { id, target } = entry;
    const durationMs = Date.now() - entry.openedAtMs;
    onEvent({ kind: "stream-closed", id, ...target, upBytes, downBytes, durationMs, end: describeEnd(how) });
  }

  async function serve(entry: Entry): Promise<void> {
    const { id, stream, target } = entry;
    const outcome = await connectTarget(target, rules, entry.abort.signal);
    if (outcome.kind === "refused") {
      if (stream.isClosed) return;
      onEvent({ kind: "stream-refused", ...target, reason: outcome.reason });
      return stream.reset(outcome.code);
    }
    const { socket, address, family, connectMs } = outcome;
    if (stream.isClosed) return void socket.destroy();
    entry.address = address;
    onEvent({ kind: "stream-opened", id, ...target, address, localPort: socket.localPort ?? 0 });
    stream.opened({ address, family, connectMs });
    return stream.attach(socket);
  }

  return {
    accept(stream, target) {
      if (entries.size >= streamsMax) return stream.reset("busy");
      lastId += 1;
      const entry: Entry = {
        id: lastId,
        target,
        stream,
        openedAtMs: Date.now(),
        abort: new AbortController(),
        address: null,
        takenBytes: 0,
      };
      entries.set(entry.id, entry);
      stream.onEnd((how) => end(entry, how));
      serve(entry).catch((cause: unknown) => {
        // connectTarget does not reject, so this is a fault of ours: the stream ends, the others go on.
        onEvent({ kind: "stream-refused", ...target, reason: cause instanceof Error ? cause.message : "unknown failure" });
        stream.reset("protocol");
      });
      return undefined;
    },
    list: () =>
      Array.from(entries.values(), ({ id, target, stream, address, openedAtMs }) => ({
        id,
        ...target,
        address,
        openedAtMs,
        upBytes: stream.upBytes,
        downBytes: stream.downBytes,
      })),
    get size() {
      return entries.size;
    },
    takeBytes() {
      let bytes = closedBytes;
      closedBytes = 0;
      for (const entry of entries.values()) {
        const now = entry.stream.upBytes + entry.stream.downBytes;
        bytes += now - entry.takenBytes;
        entry.takenBytes = now;
      }
      return bytes;
    },
    cutAll(code) {
      for (const entry of entries.values()) entry.stream.reset(code);
    },
  };
}

function describeEnd(end: StreamEnd): string {
  if (end.kind === "reset") return end.by === "here" ? `cut here (${end.code})` : `cut by the client (${end.code})`;
  return end.kind === "lost" ? "lost with the connection" : "finished";
}
