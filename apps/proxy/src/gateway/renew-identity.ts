/**
 * Looks at the certificate's files now and then and takes a new pair into use without a restart.
 *
 * A pair that cannot be read or does not belong together is reported and left alone; the old one goes on serving. Limit:
 * one look every 30 s.
 */
import type { ProxyTlsIdentity } from "@karvon/settings";

export interface IdentityRenewal {
  readonly identity: ProxyTlsIdentity;
  /** Throws when the files hold no pair. */
  readonly read: () => ProxyTlsIdentity;
  readonly use: (identity: ProxyTlsIdentity) => void;
  readonly onRenewed: () => void;
  readonly onTrouble: (cause: unknown) => void;
  /** 30,000 when left out. */
  readonly intervalMs?: number | undefined;
}

const intervalMsDefault = 30_000;

export function renewIdentity(options: IdentityRenewal): { stop(): void } {
  let current = options.identity;
  let lastTrouble = "";

  function look(): void {
    try {
      const identity = options.read();
      if (identity.certPem === current.certPem && identity.keyPem === current.keyPem) return;
      options.use(identity);
      current = identity;
      lastTrouble = "";
      options.onRenewed();
    } catch (cause) {
      // Told once, not every 30 s.
      const trouble = String(cause);
      if (trouble !== lastTrouble) options.onTrouble(cause);
      lastTrouble = trouble;
    }
  }

  const timer = setInterval(look, options.intervalMs ?? intervalMsDefault);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
