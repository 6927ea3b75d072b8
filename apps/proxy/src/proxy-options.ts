/** What a gateway process is started with; main.ts reads it from the settings, tests write it out. */
import type { PortRange, ProxyTlsIdentity } from "@karvon/settings";
import type { Logger } from "@karvon/telemetry";
import type { GatewayIdentity } from "./gateway-identity.ts";
import type { ClientPortNumbers } from "./gateway/open-client-ports.ts";
import type { ClientTlsTimings } from "./gateway/open-client-tls.ts";
import type { GatewayTimeouts } from "./gateway/timeouts.ts";
import type { LoadOptions } from "./load/gateway-load.ts";
import type { UsageJournalOptions } from "./radar/usage-journal.ts";
import type { Membership } from "./siblings/membership.ts";
import type { NodePlace } from "./tunnel/live-node.ts";

export interface ProxyOptions {
  readonly identity: GatewayIdentity;
  readonly databaseUrl: string;
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  /** The address on which the ops port listens. */
  readonly opsHost: string;
  /** How the panels reach the ops port when it listens on every address. */
  readonly publicHost: string;
  readonly pepper: Buffer;
  readonly serviceToken: string;
  readonly tunnelIdentity: { readonly keyPem: string; readonly certPem: string };
  /** More ports for clients; none when left out. */
  readonly aliasPorts?: readonly number[];
  readonly stickyPorts?: PortRange | null;
  /** Certificate and key for TLS to the client ports. Asked now and then: what it answers is used from then on. */
  readonly readClientTls: () => ProxyTlsIdentity;
  readonly clientTlsTimings?: ClientTlsTimings;
  readonly egressAllow: readonly string[];
  /** Ports of this machine, beside the gateway's and the database's, that no session may lead to. */
  readonly ownPorts?: readonly number[];
  readonly trustedProxies: readonly string[];
  readonly locate: (address: string) => Promise<NodePlace>;
  readonly log: Logger;
  /** Among the gateway processes of this machine; left out for a process that is alone. */
  readonly membership?: Membership | null;
  /** The launcher asks this process to leave: call `retire`. */
  readonly onRetire?: () => void;
  /** Left out: what is carried is only in memory until the ledger has it. */
  readonly journal?: UsageJournalOptions;
  /** 5,000 when left out. */
  readonly flushIntervalMs?: number;
  /** 5,000 when left out. */
  readonly drainMs?: number;
  /** Bounds and timeouts other than the defaults of docs/limits.md. */
  readonly load?: LoadOptions;
  /** Refusals written to the log; 50 when left out. */
  readonly refusalLinesPerSecond?: number;
  /** Those that differ from the usual ones. */
  readonly timeouts?: Partial<GatewayTimeouts>;
}

export function clientPortsOf({ proxyPort, aliasPorts, stickyPorts }: ProxyOptions): ClientPortNumbers {
  return { port: proxyPort, aliasPorts, stickyPorts };
}
