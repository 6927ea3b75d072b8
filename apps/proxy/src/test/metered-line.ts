/** A CONNECT tunnel to a target of the test's own, and what became of its session. */
import { until } from "@karvon/testkit";
import { createServer, type Socket } from "node:net";
import { basic, dial, readAnswer } from "./raw-client.ts";
import type { Login, Rig } from "./rig.ts";

/** Whoever logs in; `parameters` are the username's. */
export const connectHead = (port: number, who: Pick<Login, "username" | "password">, parameters = ""): string =>
  `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n${basic(`${who.username}${parameters}`, who.password)}\r\n`;

export interface MeteredLine {
  readonly socket: Socket;
  readonly received: () => number;
  readonly bytes: () => Buffer;
}

/** A tunnel through CONNECT: the socket after the 200. */
export async function tunnelTo(rig: Pick<Rig, "proxy">, port: number, who: Login, parameters = ""): Promise<MeteredLine> {
  const socket = await dial(rig.proxy.proxyPort);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(connectHead(port, who, parameters));
  const all = (): Buffer => Buffer.concat(chunks);
  const headEnd = (): number => all().indexOf("\r\n\r\n");
  await until(() => headEnd() >= 0);
  if (readAnswer(all()).status !== 200) throw new Error(all().toString());
  const bytes = (): Buffer => all().subarray(headEnd() + 4);
  return { socket, bytes, received: () => bytes().length };
}

export async function startTarget(onConnection: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: typeof address === "object" && address !== null ? address.port : 0, close };
}

export async function closeReason(rig: Rig, proxyUserId: string): Promise<string> {
  return until(async () => {
    const { rows } = await rig.fixtures.pool.query(
      "SELECT close_reason FROM proxy_session WHERE proxy_user_id = $1 AND closed_at IS NOT NULL",
      [proxyUserId],
    );
    return rows[0]?.close_reason ?? null;
  });
}
