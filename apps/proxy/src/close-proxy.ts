/**
 * The end of a gateway process: no new work, open sessions have `drainMs` to finish, then the last bytes are posted and the
 * nodes marked offline. What fails is logged and does not keep the rest from being closed.
 *
 * Limits: 5 s for sessions unless the options say otherwise; the flusher's own bound for a ledger that is away.
 */
import type { Core } from "./compose-core.ts";
import type { Fleet } from "./compose-fleet.ts";
import type { Meter } from "./compose-meter.ts";
import type { ControlWatch } from "./control/control-watch.ts";
import type { House } from "./keep-house.ts";
import type { Ports } from "./open-ports.ts";
import { drained } from "./retire.ts";

export interface ProxyParts {
  readonly core: Core;
  readonly fleet: Fleet;
  readonly meter: Meter;
  readonly control: ControlWatch;
  readonly ports: Ports;
  readonly house: House;
}

const drainMsDefault = 5_000;

export async function closeProxy({ core, fleet, meter, control, ports, house }: ProxyParts): Promise<void> {
  const { options, database, sessions, state, log, gatewayId } = core;
  const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
    work().catch((cause: unknown) => log.error({ event: "proxy.close-failed", what, cause }));
  state.isDraining = true;
  ports.clientTls.stop();
  ports.gateway.stopAccepting();
  ports.gateway.endResting();
  ports.tunnel.stopAccepting();
  await drained(() => sessions.openCount, options.drainMs ?? drainMsDefault);
  for (const session of sessions.listOpen()) session.line.cut("draining");
  await ports.gateway.close();
  meter.ticker.stop();
  await attempt("quotas", () => core.quotas.stop());
  core.load.memory.stop();
  await attempt("control", () => control.close());
  fleet.tunnels.drain();
  fleet.tunnels.close();
  await attempt("flush", () => meter.flusher.close());
  if (sessions.unpostedBytes === 0) await attempt("grants", () => core.quotas.release(options.identity.epoch));
  await attempt("journal", () => core.journal.close());
  await attempt("house", () => house.close());
  await attempt("presence", () => database.markGatewayNodesOffline(gatewayId));
  await attempt("gateway", () => database.stopGateway(gatewayId));
  await attempt("siblings", async () => fleet.siblings?.close());
  await ports.tunnel.close();
  await ports.ops.close();
  await database.close();
}
