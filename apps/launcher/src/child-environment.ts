/** The environment of the platform's programs: ours, with every port, URL and list resolved. */
import { type Environment, paymentVariables, type Settings } from "@karvon/settings";

export interface ResolvedFacts {
  readonly panelPort: number;
  readonly proxyPort: number;
  readonly tunnelPort: number;
  readonly opsPort: number;
  readonly echoPort: number | null;
  readonly panelUrl: string;
  readonly databaseUrl: string;
  readonly smtpUrl: string;
}

/** The demo's nodes reach the gateway from here, each announcing its own public address in a PROXY protocol header. */
const loopbackBlocks = ["127.0.0.1/32", "::1/128"];

export function childEnvironment(base: Environment, settings: Settings, facts: ResolvedFacts): NodeJS.ProcessEnv {
  const { echoPort } = facts;
  const egressAllow = echoPort === null ? settings.egressAllow : [...settings.egressAllow, `127.0.0.1:${echoPort}`];
  const trustedProxies = settings.demo ? [...new Set([...settings.trustedProxies, ...loopbackBlocks])] : settings.trustedProxies;
  return {
    ...base,
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    KARVON_DATA_DIR: settings.dataDir,
    KARVON_DEMO: settings.demo ? "1" : "0",
    KARVON_PANEL_PORT: String(facts.panelPort),
    KARVON_PROXY_PORT: String(facts.proxyPort),
    KARVON_TUNNEL_PORT: String(facts.tunnelPort),
    KARVON_OPS_PORT: String(facts.opsPort),
    KARVON_PUBLIC_HOST: settings.publicHost,
    // Absolute: the programs run in another folder than the launcher was started in.
    ...(settings.proxyTls === null
      ? {}
      : { KARVON_PROXY_TLS_CERT: settings.proxyTls.certPath, KARVON_PROXY_TLS_KEY: settings.proxyTls.keyPath }),
    KARVON_PANEL_URL: facts.panelUrl,
    KARVON_EGRESS_ALLOW: egressAllow.join(","),
    KARVON_TRUSTED_PROXIES: trustedProxies.join(","),
    DATABASE_URL: facts.databaseUrl,
    SMTP_URL: facts.smtpUrl,
    ...(echoPort === null ? {} : { ECHO_PORT: String(echoPort) }),
  };
}

/** The same for programs that sell nothing: providers' keys are the panels' alone. */
export function withoutPayments(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const left = { ...environment };
  for (const name of paymentVariables) delete left[name];
  return left;
}
