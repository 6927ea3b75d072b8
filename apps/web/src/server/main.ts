/**
 * The panels' process: one HTTP server with the API and Next behind it.
 *
 * It says {type: "ready", panelPort} over IPC when it serves, and stops on SIGTERM, SIGINT or when the launcher's
 * channel closes: no new connections, live streams ended, 5 s for what is under way, mail emptied, database closed.
 */
import { fileURLToPath } from "node:url";
import { readSettings, SettingsError } from "@karvon/settings";
import { createLogger } from "@karvon/telemetry";
import next from "next";
import { composeWeb, type WebParts } from "./compose.ts";
import { readWebEnv } from "./env.ts";
import { listenPanels, type PanelServer } from "./http-server.ts";
import { publishRuntime } from "./runtime.ts";

const stopGraceMs = 5_000;
/** The whole stop, after which the process ends anyway. */
const stopMsMax = 15_000;

const log = createLogger({ name: "web" });
/** apps/web, from src/server/ and from dist/ alike. */
const webFolder = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? ".." : "../..", import.meta.url));

async function start(): Promise<void> {
  const settings = readSettings(process.env);
  // An installation for this machine only is reachable from this machine only; any other listens everywhere.
  const host = settings.publicHost === "127.0.0.1" ? settings.publicHost : undefined;
  const server = await listenPanels({ port: settings.panelPort, host, log });
  const env = readWebEnv(settings, server.port);
  // next-auth reads its origin from here and nowhere else.
  process.env["NEXTAUTH_URL"] = env.panelUrl;
  const parts = composeWeb(env, log);
  publishRuntime(parts.runtime);
  stopWhenTold(server, parts);
  const app = next({ dev: false, dir: webFolder, customServer: true });
  await app.prepare();
  const pages = app.getRequestHandler();
  server.serve({ ...parts.handlers, pages: (request, response) => pages(request, response) });
  log.info({ event: "web.ready", panelUrl: env.panelUrl, port: server.port });
  process.send?.({ type: "ready", panelPort: server.port });
}

function stopWhenTold(server: PanelServer, parts: WebParts): void {
  let isStopping = false;
  const stop = (reason: string): void => {
    if (isStopping) return;
    isStopping = true;
    log.info({ event: "web.stopping", reason });
    setTimeout(() => process.exit(1), stopMsMax).unref();
    parts.endStreams();
    server
      .close(stopGraceMs)
      .then(() => parts.close())
      .then(
        () => process.exit(0),
        (cause: unknown) => {
          log.error({ event: "web.stop-failed", cause });
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("disconnect", () => stop("the launcher is gone"));
}

process.on("unhandledRejection", (cause) => log.error({ event: "web.unhandled-rejection", cause }));

start().catch((cause: unknown) => {
  log.fatal({ event: "web.start-failed", message: cause instanceof SettingsError ? cause.message : explain(cause), cause });
  process.exit(1);
});

function explain(cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, "code") : undefined;
  return code === "EADDRINUSE" ? "The panel's port is taken; set KARVON_PANEL_PORT to another one." : "The panels could not start.";
}
