/** Ports of the platform: checks the chosen ones before anything starts and finds free ones where 0 stands. */
import { createServer, type Server } from "node:net";
import { errorCode, StartError } from "./start-error.ts";

export interface PortFinder {
  /** The port itself when it is free, any free one for 0. Throws StartError, which names `variable`. */
  find(variable: string, wish: number): Promise<number>;
  /** Gives all ports back, right before the services take them. */
  close(): Promise<void>;
}

/**
 * Holds every port it finds until it is closed, so that no two are the same. Afterwards another program can be quicker;
 * then the service that wanted the port says so.
 */
export function openPortFinder(): PortFinder {
  const held: Server[] = [];
  return {
    async find(variable, wish) {
      try {
        // One listener on every address and one on 127.0.0.1 do not collide on all systems: look at both in turn.
        if (wish !== 0) await closeServer(await listen(wish, "0.0.0.0"));
        const server = await listen(wish, "127.0.0.1");
        held.push(server);
        return portOf(server);
      } catch (cause) {
        throw explainPort(variable, wish, cause);
      }
    },
    async close() {
      await Promise.all(held.splice(0).map(closeServer));
    },
  };
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listener without a port");
  return address.port;
}

function explainPort(variable: string, port: number, cause: unknown): StartError {
  switch (errorCode(cause)) {
    case "EADDRINUSE":
      return new StartError(
        `Port ${port} (${variable}) is taken by another program; stop that program, or set ${variable} to another port, or to 0 for any free one.`,
        { cause },
      );
    case "EACCES":
      return new StartError(
        `You may not listen on port ${port} (${variable}); set ${variable} to a port above 1023, or to 0 for any free one.`,
        { cause },
      );
    default:
      return new StartError(`Port ${port} (${variable}) cannot be opened (${cause instanceof Error ? cause.message : "unknown reason"}).`, {
        cause,
      });
  }
}
