/** A plain byte pipe, as CONNECT and SOCKS5 ask for one: through an exit, or to the echo service, which is the gateway itself. */
import type { Refusal } from "@karvon/domain";
import type { Principal } from "../session/authorise.ts";
import type { OpenedSession, PreviewedExit } from "../session/open-session.ts";
import type { ClientConnection, GatewayContext } from "./client-connection.ts";
import { isEchoHost, openEcho } from "./echo-answer.ts";
import { serveEchoTunnel } from "./serve-echo.ts";

export interface PipeRequest {
  readonly requestId: string;
  readonly principal: Principal;
  readonly protocol: "connect" | "socks5";
  readonly host: string;
  readonly port: number;
}

/** Nothing flows before `startPipe`, so that the answer comes first. */
export function openPipe(
  context: GatewayContext,
  connection: ClientConnection,
  request: PipeRequest,
): Promise<OpenedSession | PreviewedExit | Refusal> {
  if (isEchoHost(request.host)) return openEcho(context.opener, request);
  return context.opener.open({ ...request, callerAddress: connection.address, client: connection.socket });
}

/** `early` came behind the request and goes first. */
export async function startPipe(
  context: GatewayContext,
  connection: ClientConnection,
  { requestId, principal }: PipeRequest,
  opened: OpenedSession | PreviewedExit,
  early: Buffer,
): Promise<void> {
  if (opened.kind === "previewed") return serveEchoTunnel(context, connection, { requestId, principal, exit: opened }, early);
  opened.line.stream.attach(connection.socket, early);
}
