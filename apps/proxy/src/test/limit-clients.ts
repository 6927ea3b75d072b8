/** Clients for tests of limits: from any source address, held open, and told apart by what they were answered. */
import { until } from "@karvon/testkit";
import { writeProxyHeaderV1 } from "@karvon/wire";
import type { Socket } from "node:net";
import { basic, dial, type HttpAnswer, readAnswer } from "./raw-client.ts";
import type { Login, Rig } from "./rig.ts";

export interface HeldClient {
  readonly socket: Socket;
  /** Everything after the head of the answer. */
  received(): number;
  bytes(): Buffer;
  readonly answer: HttpAnswer;
}

/** A connection that a trusted balancer announces as coming from `address`; from this machine's own when left out. */
export async function dialFrom(rig: Rig, address?: string): Promise<Socket> {
  const socket = await dial(rig.proxy.proxyPort);
  if (address !== undefined) {
    const destinationAddress = address.includes(":") ? "::1" : "127.0.0.1";
    socket.write(writeProxyHeaderV1({ sourceAddress: address, sourcePort: 40_000, destinationAddress, destinationPort: 7_000 }));
  }
  return socket;
}

export function connectHead(authority: string, who: { username: string; password: string }): string {
  return `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${basic(who.username, who.password)}\r\n`;
}

/** Sends CONNECT and waits for the head of the answer. The connection stays open when it is a 200. */
export async function connectVia(rig: Rig, authority: string, who: Login, from?: string): Promise<HeldClient> {
  const socket = await dialFrom(rig, from);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(connectHead(authority, who));
  const all = (): Buffer => Buffer.concat(chunks);
  await until(() => all().includes("\r\n\r\n") || socket.readableEnded || socket.destroyed);
  const bytes = (): Buffer => all().subarray(all().indexOf("\r\n\r\n") + 4);
  return { socket, bytes, received: () => bytes().length, answer: readAnswer(all()) };
}

/** The answer's code, or "open". */
export async function codeOf(client: Promise<HeldClient>): Promise<string> {
  const { answer, socket } = await client;
  if (answer.status === 200) return "open";
  socket.destroy();
  return answer.headers["x-error-code"] ?? `status ${answer.status}`;
}
