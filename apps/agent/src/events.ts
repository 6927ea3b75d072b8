/** What an agent tells whoever runs it, and what can be seen of it at any time. */
import type { DeviceReading, NotServingReason } from "@karvon/domain";

export interface Place {
  readonly publicAddress: string;
  readonly country: string | null;
  readonly city: string | null;
  readonly asn: number | null;
  readonly asnName: string | null;
}

export interface AgentStatus extends DeviceReading {
  readonly dayBytes: number;
  readonly dayLimitBytes: number | null;
  readonly accepting: boolean;
  readonly reason: NotServingReason | null;
}

export interface PassingStream {
  /** Unique in this run of the agent. */
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** The address that was checked and connected to; null while connecting. */
  readonly address: string | null;
  readonly openedAtMs: number;
  /** From the client to the server, and back. */
  readonly upBytes: number;
  readonly downBytes: number;
}

export type AgentEvent =
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "ready"; readonly place: Place }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "disconnected"; readonly reason: string; readonly retryInMs: number }
  | { readonly kind: "status"; readonly status: AgentStatus }
  /** The connection to the server stands; nothing has passed yet. `localPort` is this device's end of it. */
  | {
      readonly kind: "stream-opened";
      readonly id: number;
      readonly host: string;
      readonly port: number;
      readonly address: string;
      readonly localPort: number;
    }
  | { readonly kind: "stream-refused"; readonly host: string; readonly port: number; readonly reason: string }
  | {
      readonly kind: "stream-closed";
      readonly id: number;
      readonly host: string;
      readonly port: number;
      readonly localPort: number;
      readonly upBytes: number;
      readonly downBytes: number;
      readonly durationMs: number;
      readonly end: string;
    }
  | { readonly kind: "withdrawn" }
  | { readonly kind: "stopped" };

export interface AgentSnapshot {
  readonly phase: "connecting" | "serving" | "waiting" | "stopped";
  readonly place: Place | null;
  readonly status: AgentStatus | null;
  readonly streams: readonly PassingStream[];
}
