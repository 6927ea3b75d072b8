/**
 * The ports of a gateway process, in the order that makes whoever can connect served: health first, then what is obeyed,
 * clients and nodes last. Rejects when one cannot be had, and closes those that it had opened before.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { Core } from "./compose-core.ts";
import type { Fleet } from "./compose-fleet.ts";
import { createGatewayContext } from "./compose-gateway.ts";
import type { Meter } from "./compose-meter.ts";
import type { ControlWatch } from "./control/control-watch.ts";
import { type Gateway, listenGateway } from "./gateway/listen-gateway.ts";
import { type ClientTls, openClientTls } from "./gateway/open-client-tls.ts";
import { opsUrlOf } from "./network-options.ts";
import { findTroubles } from "./ops/find-troubles.ts";
import { listMetrics } from "./ops/list-metrics.ts";
import { listenOps, type OpsServer } from "./ops/listen-ops.ts";
import { readAvailability, readCountryPlaces } from "./ops/read-availability.ts";
import { clientPortsOf } from "./proxy-options.ts";
import { listenTunnels, type TunnelListener } from "./tunnel/listen-tunnels.ts";

const recoveredMs = 10_000;

export interface Ports {
  readonly ops: OpsServer;
  readonly clientTls: ClientTls;
  readonly gateway: Gateway;
  readonly tunnel: TunnelListener;
}

export interface PortParts {
  readonly core: Core;
  readonly fleet: Fleet;
  readonly meter: Meter;
  readonly control: ControlWatch;
}

type Close = () => Promise<void>;

export async function openPorts(parts: PortParts): Promise<Ports> {
  const opened: Close[] = [];
  try {
    return await openInOrder(parts, opened);
  } catch (cause) {
    // The gateway's row and its nodes are left as they are: another run may serve under the same id.
    for (const close of opened.toReversed()) await close().catch(parts.core.onFault);
    throw cause;
  }
}

/** `opened` gets what closes each part, also that which only half opens. */
async function openInOrder({ core, fleet, meter, control }: PortParts, opened: Close[]): Promise<Ports> {
  const { options, database, membership, own, log } = core;
  let gateway: Gateway | null = null;
  const ops = await openOps({ core, fleet, meter, countConnections: () => gateway?.connectionsOpen ?? 0 });
  opened.push(() => ops.close());
  const opsPorts = [ops.port, membership?.welcome.opsPort ?? ops.port];
  own.add(...opsPorts);
  await database.registerGateway({ ...options.identity, opsUrl: opsUrlOf(options, ops.port) });
  await postRecovered(core, meter);
  opened.push(() => control.close());
  await control.start();
  opened.push(async () => fleet.siblings?.close());
  await fleet.siblings?.open(opsPorts);
  const clientTls = openClientTls({ read: options.readClientTls, log, timings: options.clientTlsTimings });
  opened.push(async () => clientTls.stop());
  const clients = await listenGateway({
    ...clientPortsOf(options),
    tls: clientTls.acceptor,
    context: createGatewayContext(core, fleet, meter),
    trustedProxies: core.trustedProxies,
    descriptors: core.load.descriptors,
    sources: core.load.sources,
  });
  gateway = clients;
  opened.push(() => clients.close());
  own.add(clients.port);
  const tunnel = await openTunnels(core, fleet);
  own.add(tunnel.port);
  return { ops, clientTls, gateway: clients, tunnel };
}

/** What a dead process owes comes before anything new, unless the ledger keeps it waiting: then it is still first in the queue. */
async function postRecovered({ journal, database }: Core, { flusher }: Meter): Promise<void> {
  const posted = Promise.all([journal.recovered.length > 0 ? flusher.flushNow() : null, journal.adoptOrphans(database)]);
  await Promise.race([posted, pause(recoveredMs, undefined, { ref: false })]);
}

interface OpsParts {
  readonly core: Core;
  readonly fleet: Fleet;
  readonly meter: Meter;
  readonly countConnections: () => number;
}

/** A process among siblings has a port of its own for itself, and takes part in the public one. */
async function openOps({ core, fleet, meter, countConnections }: OpsParts): Promise<OpsServer> {
  const { options, membership, directory, state, database, log } = core;
  const ops = await listenOps({
    host: options.opsHost,
    port: membership === null ? options.opsPort : 0,
    publicPort: membership?.welcome.opsPort ?? null,
    serviceToken: options.serviceToken,
    log,
    findTroubles: () =>
      findTroubles({
        isStopping: state.isDraining,
        isBehind: meter.isBehind(),
        journalTrouble: core.journal.journal?.trouble ?? null,
        ping: () => database.ping(),
      }),
    listMetrics: () =>
      listMetrics({
        ...core,
        ticker: meter.ticker,
        flushLagMs: () => meter.flusher.lagMs,
        countConnections,
        countSessionsOpened: () => state.sessionsOpened,
        countFaults: () => state.faults,
        countTunnelsTurnedAway: () => fleet.tunnels.turnedAway,
        isLeader: membership?.isLeader ?? true,
      }),
    readAvailability: () => readAvailability(directory.index),
    readCountryPlaces: (country) => readCountryPlaces(directory.index, country),
  });
  state.publish = (tick) => ops.publish(tick);
  return ops;
}

function openTunnels({ options, trustedProxies, log, load }: Core, fleet: Fleet): Promise<TunnelListener> {
  return listenTunnels({
    port: options.tunnelPort,
    ...options.tunnelIdentity,
    trustedProxies,
    log,
    descriptors: load.descriptors,
    onTunnel: (socket: TLSSocket, address: string, hasRoom: boolean) => fleet.tunnels.accept(socket, address, hasRoom),
  });
}
