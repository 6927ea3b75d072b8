/** What the web process takes from its settings and its data folder, read once. */
import { readAuthSecret, readPepper, readServiceToken, readTunnelIdentity, SettingsError, type Settings } from "@karvon/settings";
import { type EgressAllow, noEgressAllow, parsePrefix } from "@karvon/domain";
import type { PaymentSettings } from "@karvon/payments";
import type { NetworkFacts } from "@karvon/services";

export interface WebEnv {
  readonly databaseUrl: string;
  readonly smtpUrl: string;
  readonly panelUrl: string;
  readonly trustedProxies: readonly string[];
  readonly pepper: Buffer;
  readonly authSecret: string;
  readonly serviceToken: string;
  readonly network: NetworkFacts;
  /** Addresses that may log in without a password although they are not public. */
  readonly sourceAllow: EgressAllow;
  readonly payments: PaymentSettings;
}

/** The demo's programs run on this machine, so that is where they may do without a password. */
const demoSources: EgressAllow = { prefixes: ["127.0.0.0/8", "::1/128"].flatMap((block) => parsePrefix(block) ?? []), endpoints: [] };

/** Everything but the settings themselves, once the port is known. Throws SettingsError with one sentence. */
export function readWebEnv(settings: Settings, port: number): WebEnv {
  const { dataDir, databaseUrl, smtpUrl, publicHost } = settings;
  if (databaseUrl === undefined) throw new SettingsError("DATABASE_URL", "DATABASE_URL is missing; npm start sets it for the panels.");
  if (smtpUrl === undefined) throw new SettingsError("SMTP_URL", "SMTP_URL is missing; npm start sets it for the panels.");
  const panelUrl = settings.panelUrl ?? `http://${publicHost.includes(":") ? `[${publicHost}]` : publicHost}:${port}`;
  return {
    databaseUrl,
    smtpUrl,
    panelUrl,
    trustedProxies: settings.trustedProxies,
    pepper: readPepper(dataDir),
    authSecret: readAuthSecret(dataDir),
    serviceToken: readServiceToken(dataDir),
    sourceAllow: settings.demo ? demoSources : noEgressAllow,
    payments: settings.payments,
    network: {
      proxyHost: publicHost,
      proxyPort: settings.proxyPort,
      tunnelHost: publicHost,
      tunnelPort: settings.tunnelPort,
      tunnelSpkiPin: readTunnelIdentity(dataDir).spkiPin,
    },
  };
}
