/** Everything the web process takes from its environment and its data folder, read once. */
import {
  readAuthSecret,
  readPepper,
  readServiceToken,
  readSettings,
  readTunnelIdentity,
  SettingsError,
  type Settings,
} from "@karvon/settings";
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
}

/** Throws SettingsError with one sentence. */
export function readWebSettings(): Settings {
  return readSettings(process.env);
}

/** The rest, once the port is known. Also tells next-auth, which reads its origin from the environment. */
export function readWebEnv(settings: Settings, port: number): WebEnv {
  const { dataDir, databaseUrl, smtpUrl, publicHost } = settings;
  if (databaseUrl === undefined) throw new SettingsError("DATABASE_URL", "DATABASE_URL is missing; npm start sets it for the panels.");
  if (smtpUrl === undefined) throw new SettingsError("SMTP_URL", "SMTP_URL is missing; npm start sets it for the panels.");
  const panelUrl = settings.panelUrl ?? `http://${publicHost.includes(":") ? `[${publicHost}]` : publicHost}:${port}`;
  process.env["NEXTAUTH_URL"] = panelUrl;
  return {
    databaseUrl,
    smtpUrl,
    panelUrl,
    trustedProxies: settings.trustedProxies,
    pepper: readPepper(dataDir),
    authSecret: readAuthSecret(dataDir),
    serviceToken: readServiceToken(dataDir),
    network: {
      proxyHost: publicHost,
      proxyPort: settings.proxyPort,
      tunnelHost: publicHost,
      tunnelPort: settings.tunnelPort,
      tunnelSpkiPin: readTunnelIdentity(dataDir).spkiPin,
    },
  };
}
