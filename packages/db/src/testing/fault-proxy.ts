/**
 * A TCP proxy before PostgreSQL that breaks connections at chosen moments. It knows bytes and nothing of the protocol. For tests only.
 *
 * Each fault strikes the next bytes that the client sends, once: `lose-request` cuts before the server sees them; `lose-answer` lets
 * the server finish and cuts when its answer comes; `delay-request` cuts at the client's end and gives the server the bytes only when
 * `deliverLate` is called, long after the client has tried again.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export type Fault = "lose-request" | "lose-answer" | "delay-request";

export interface FaultProxy {
  /** The database as it is reached through the proxy. */
  readonly url: string;
  /** Faults that struck. */
  readonly struck: number;
  /** The next request suffers it. */
  arm(fault: Fault): void;
  /** Hands over what was held back, in reverse order, and resolves when the server has answered all of it. */
  deliverLate(): Promise<number>;
  close(): void;
}

interface LateRequest {
  readonly far: Socket;
  readonly bytes: Buffer;
}

export async function openFaultProxy(databaseUrl: string): Promise<FaultProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const late: LateRequest[] = [];
  let armed: Fault | null = null;
  let struck = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };

  function carry(near: Socket): void {
    const far = keep(connect({ host: target.hostname, port: Number(target.port) }));
    let isLate = false;
    let isAnswerLost = false;
    near.on("data", (bytes: Buffer) => {
      const fault = armed;
      armed = null;
      if (fault !== null) struck += 1;
      isAnswerLost = fault === "lose-answer";
      isLate = fault === "delay-request";
      if (isLate) late.push({ far, bytes });
      if (fault === "lose-request" || isLate) near.destroy();
      else far.write(bytes);
    });
    far.on("data", (bytes: Buffer) => {
      if (isAnswerLost) near.destroy();
      else near.write(bytes);
    });
    near.once("close", () => isLate || far.destroy());
    far.once("close", () => near.destroy());
  }

  const server = createServer((near) => carry(keep(near)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const url = new URL(databaseUrl);
  url.port = String(address.port);
  return {
    url: url.href,
    get struck() {
      return struck;
    },
    arm: (fault) => void (armed = fault),
    async deliverLate() {
      const requests = late.splice(0).toReversed();
      for (const { far, bytes } of requests) {
        const answered = once(far, "data");
        far.write(bytes);
        await answered;
        far.destroy();
      }
      return requests.length;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
