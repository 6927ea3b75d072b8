/**
 * The echo service inside a tunnel that leads nowhere: after the CONNECT or SOCKS5 reply the gateway itself reads HTTP.
 *
 * Limits: 10 s to a request, 100 requests a tunnel, 16 KiB a head; a request with a body is answered and is the last.
 */
import { type HttpRequestHead, readRequestHead, requestHeadBytesMax } from "@karvon/wire";
import { ByteReader } from "./byte-reader.ts";
import { type ClientConnection, endGently, type GatewayContext } from "./client-connection.ts";
import { type EchoQuestion, renderEcho } from "./echo-answer.ts";

const requestsMax = 100;

/** `early` was read already. Nobody else may read the socket. */
export async function serveEchoTunnel(
  context: GatewayContext,
  connection: Pick<ClientConnection, "socket">,
  question: Omit<EchoQuestion, "sessions">,
  early: Buffer,
): Promise<void> {
  const { socket } = connection;
  const reader = new ByteReader(socket);
  reader.unread(early);
  let answer: string | Buffer = "";
  for (let served = 1; ; served += 1) {
    const reading = await reader.read(readRequestHead, requestHeadBytesMax, context.timeouts.headMs);
    if (reading.kind !== "message") break;
    const keepsOpen = served < requestsMax && mayFollow(reading.message);
    answer = renderEcho({ ...question, sessions: context.sessions }, { isHead: reading.message.method === "HEAD", keepsOpen });
    if (!keepsOpen) break;
    socket.write(answer);
    answer = "";
  }
  reader.release();
  endGently(socket, answer);
}

function mayFollow(head: HttpRequestHead): boolean {
  return head.keepAlive && head.body.kind === "none";
}
