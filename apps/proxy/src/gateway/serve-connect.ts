/** HTTP CONNECT (RFC 9110, section 9.3.6): after the 200 the connection is a plain byte pipe. */
import type { HttpRequestHead } from "@karvon/wire";
import type { Principal } from "../session/authorise.ts";
import { type ClientConnection, type GatewayContext, refuseHttp } from "./client-connection.ts";
import { exitLines } from "./exit-fields.ts";
import { openPipe, type PipeRequest, startPipe } from "./open-pipe.ts";

export async function serveConnect(
  context: GatewayContext,
  connection: ClientConnection,
  request: {
    readonly requestId: string;
    readonly target: Extract<HttpRequestHead["target"], { form: "authority" }>;
    readonly principal: Principal;
    /** A TLS hello that did not wait for the 200: it goes first. The socket is paused, the rest waits in the kernel. */
    readonly early: Buffer;
  },
): Promise<void> {
  const { requestId, target, principal, early } = request;
  const { host, port } = target;
  const pipe: PipeRequest = { requestId, principal, protocol: "connect", host, port };
  const opened = await openPipe(context, connection, pipe);
  if (opened.kind === "refused") {
    refuseHttp(context, connection, {
      requestId,
      protocol: "connect",
      refusal: opened,
      account: principal.account,
      host,
      port,
    });
    return;
  }
  connection.socket.write(`HTTP/1.1 200 Connection Established\r\n${exitLines(requestId, opened)}\r\n`, "latin1");
  await startPipe(context, connection, pipe, opened, early);
}
