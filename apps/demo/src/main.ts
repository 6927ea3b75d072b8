/** The demo process: the echo target and twelve nodes. The launcher starts it after the gateway and stops it before. */
import { join } from "node:path";
import { parseEgressAllow } from "@karvon/domain";
import { readSettings } from "@karvon/settings";
import { createLogger } from "@karvon/telemetry";
import { startBackgroundTraffic } from "./background-traffic.ts";
import { createExits } from "./echo/exits.ts";
import { startEcho } from "./echo/start-echo.ts";
import { readDemoSettings } from "./env.ts";
import { fleet } from "./fleet/members.ts";
import { startFleet } from "./fleet/start-fleet.ts";

const log = createLogger({ name: "demo" });
const settings = readSettings(process.env);
const { echoPort, hasTraffic } = readDemoSettings(process.env);
const egress = parseEgressAllow(settings.egressAllow);
if (egress.kind === "bad") throw new RangeError(`KARVON_EGRESS_ALLOW is wrong: "${egress.entry}".`);

const closers: (() => unknown)[] = [];
let isStopping = false;

async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  log.info({ event: "demo.stopping" });
  for (const close of closers.toReversed()) await close();
  process.exit(0);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop());
// The launcher is gone: nobody would ever stop this process.
process.once("disconnect", () => void stop());

const exits = createExits();
const echo = await startEcho({ port: echoPort, exits });
closers.push(() => echo.close());
const running = await startFleet({
  folder: join(settings.dataDir, "demo"),
  gateway: { host: "127.0.0.1", port: settings.tunnelPort },
  egressAllow: egress.allow,
  exits,
  log,
});
closers.push(() => running.close());
if (hasTraffic) {
  const loginsPath = join(settings.dataDir, "demo", "logins.json");
  const countries = [...new Set(fleet.map(({ country }) => country))];
  const traffic = startBackgroundTraffic({ loginsPath, proxyPort: settings.proxyPort, echoUrl: echo.url, countries });
  closers.push(() => traffic.close());
}
log.info({ event: "demo.serving", nodes: running.nodes, echoUrl: echo.url });
process.send?.({ type: "ready", echoUrl: echo.url });
