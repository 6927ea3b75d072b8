/** A client with one tunnel that carries both ways as fast as it can, and counts. */
import { until } from "@karvon/testkit";
import { nameBytes, pour } from "./counting-target.ts";
import { basic, dial } from "./raw-client.ts";

export interface LoadClient {
  readonly name: string;
  readonly sessionId: string;
  /** Payload, without the gateway's answer. */
  readonly receivedBytes: number;
  /** Payload that was written, whether it has left or not. */
  readonly sentBytes: number;
  readonly isClosed: boolean;
  /** Sends no more: what is under way arrives, the target ends too, and then the connection is closed. */
  finish(): void;
}

/** `name` has at most 8 characters. */
export async function startLoadClient(
  proxyPort: number,
  login: { readonly username: string; readonly password: string },
  targetPort: number,
  name: string,
): Promise<LoadClient> {
  const socket = await dial(proxyPort);
  const facts = { sessionId: "", receivedBytes: 0, isClosed: false };
  socket.once("close", () => (facts.isClosed = true));
  const request = `CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n${basic(login.username, login.password)}\r\n`;
  socket.write(request);
  let head = "";
  socket.on("data", (data: Buffer) => {
    if (facts.sessionId !== "") {
      facts.receivedBytes += data.length;
      return;
    }
    head += data.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    facts.sessionId = /x-px-request-id: (\S+)/i.exec(head)?.[1] ?? "none";
    facts.receivedBytes = head.length - end - 4;
  });
  await until(() => facts.sessionId !== "", { what: "an open tunnel", everyMs: 2 });
  socket.write(name.padEnd(nameBytes));
  pour(socket);
  return {
    name,
    get sessionId() {
      return facts.sessionId;
    },
    get receivedBytes() {
      return facts.receivedBytes;
    },
    get sentBytes() {
      return socket.bytesWritten - request.length;
    },
    get isClosed() {
      return facts.isClosed;
    },
    finish: () => void socket.end(),
  };
}

export function sumReceived(clients: readonly LoadClient[]): number {
  return clients.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
}
