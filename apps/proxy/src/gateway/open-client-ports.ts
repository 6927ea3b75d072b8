/**
 * The ports on which clients connect: the main one, its aliases, and those that stand for a session each.
 *
 * All are served by the same handler; only the port's number tells a session's port. They are listened on in the ordinary
 * shared way, so that several processes can have them together.
 *
 * Limits: those of the settings, 64 aliases and 4,096 session ports; 4,096 connections wait in the kernel for each port.
 */
import type { PortRange } from "@karvon/settings";
import { createServer, type Server, type Socket } from "node:net";

export interface ClientPortNumbers {
  /** 0 takes any free port. */
  readonly port: number;
  readonly aliasPorts?: readonly number[] | undefined;
  readonly stickyPorts?: PortRange | null | undefined;
}

export interface ClientPorts {
  readonly port: number;
  stopAccepting(): void;
  /** Resolves when every listener and every connection is closed. */
  closed(): Promise<void>;
}

export interface ClientPortHandlers {
  readonly onConnection: (socket: Socket) => void;
  readonly onFault: (cause: unknown) => void;
}

const backlog = 4_096;
const bufferBytes = 65_536;

/** Rejects when one of the ports cannot be had; none stays open then. */
export async function openClientPorts(numbers: ClientPortNumbers, handlers: ClientPortHandlers): Promise<ClientPorts> {
  const servers: Server[] = [];
  const ports: number[] = [];
  try {
    for (const port of listPorts(numbers)) {
      const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: bufferBytes }, handlers.onConnection);
      servers.push(server);
      ports.push(await listen(server, port));
      server.on("error", handlers.onFault);
    }
  } catch (cause) {
    for (const server of servers) server.close();
    throw cause;
  }
  return {
    port: ports[0] ?? numbers.port,
    stopAccepting() {
      for (const server of servers) server.close();
    },
    async closed() {
      await Promise.all(servers.map(closeServer));
    },
  };
}

/** How many listeners these are, each with a descriptor of its own. */
export function countPorts(numbers: ClientPortNumbers): number {
  return listPorts(numbers).length;
}

/** The port of a connection when it stands for a session, else null. */
export function stickyPortOf(socket: Socket, range: PortRange | null | undefined): number | null {
  if (range === null || range === undefined) return null;
  const port = socket.localPort ?? 0;
  return port >= range.first && port <= range.last ? port : null;
}

export function listPorts({ port, aliasPorts = [], stickyPorts }: ClientPortNumbers): number[] {
  const sticky = stickyPorts ?? { first: 1, last: 0 };
  return [port, ...aliasPorts, ...Array.from({ length: sticky.last - sticky.first + 1 }, (_, at) => sticky.first + at)];
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "::", backlog, ipv6Only: false }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
