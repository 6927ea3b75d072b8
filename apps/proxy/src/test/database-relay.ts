/** A TCP relay between a gateway and its PostgreSQL that can fall silent, as a network does that drops every packet. */
import { connect, createServer, type Socket } from "node:net";

export interface DatabaseRelay {
  /** The database as it is reached through the relay. */
  readonly url: string;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  /** Connections that were silent are lost; new ones pass. */
  heal(): void;
  close(): void;
}

export async function openDatabaseRelay(databaseUrl: string): Promise<DatabaseRelay> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (isFrozen) {
      near.pause();
      return;
    }
    const far = connect({ host: target.hostname, port: Number(target.port) });
    keep(far);
    near.on("data", (chunk) => isFrozen || far.write(chunk));
    far.on("data", (chunk) => isFrozen || near.write(chunk));
    near.once("close", () => far.destroy());
    far.once("close", () => isFrozen || near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  const url = new URL(databaseUrl);
  url.port = String(address.port);
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    freeze: () => void (isFrozen = true),
    heal() {
      isFrozen = false;
      dropAll();
    },
    close() {
      dropAll();
      server.close();
    },
  };
}
