/** TLS for clients with whatever pair the files hold now. */
import type { ProxyTlsIdentity } from "@karvon/settings";
import type { Logger } from "@karvon/telemetry";
import { createTlsAcceptor, type TlsAcceptor } from "./accept-tls.ts";
import { renewIdentity } from "./renew-identity.ts";

/** Milliseconds; the defaults of accept-tls.ts and renew-identity.ts when left out. */
export interface ClientTlsTimings {
  readonly handshakeTimeoutMs?: number;
  readonly renewalIntervalMs?: number;
}

export interface ClientTls {
  readonly acceptor: TlsAcceptor;
  readonly stop: () => void;
}

export interface ClientTlsOptions {
  /** Throws when there is no pair; the first call decides whether the gateway starts. */
  readonly read: () => ProxyTlsIdentity;
  readonly log: Logger;
  readonly timings?: ClientTlsTimings | undefined;
}

export function openClientTls({ read, log, timings = {} }: ClientTlsOptions): ClientTls {
  const identity = read();
  const acceptor = createTlsAcceptor({
    identity,
    handshakeTimeoutMs: timings.handshakeTimeoutMs,
    onFailure: (cause) => log.debug({ event: "gateway.handshake-failed", cause }),
  });
  const renewal = renewIdentity({
    identity,
    read,
    use: (renewed) => acceptor.useIdentity(renewed),
    onRenewed: () => log.info({ event: "gateway.certificate-renewed" }),
    onTrouble: (cause) => log.warn({ event: "gateway.certificate-not-renewed", cause }),
    intervalMs: timings.renewalIntervalMs,
  });
  return { acceptor, stop: () => renewal.stop() };
}
