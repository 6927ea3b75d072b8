/** HTTP/1.x on the proxy port: reads heads, asks who it is, and hands each request to CONNECT or to the forwarder. */
import { refuse, type Refusal } from "@karvon/domain";
import { type HttpRequestHead, readBasicCredentials, readRequestHead } from "@karvon/wire";
import type { UserAccount } from "../session/accounts.ts";
import type { AccessRefusal, Login, Principal } from "../session/authorise.ts";
import type { SpokenProtocol } from "../session/refusal-log.ts";
import type { Reading } from "./byte-reader.ts";
import {
  type ClientConnection,
  endGently,
  type GatewayContext,
  headBytesMax,
  headTimeoutMs,
  keepAliveTimeoutMs,
  newRequestId,
  refuseHttp,
} from "./client-connection.ts";
import { forwardHttp } from "./forward-http.ts";
import { serveConnect } from "./serve-connect.ts";

export async function serveHttp(context: GatewayContext, connection: ClientConnection): Promise<void> {
  for (let served = 0; ; served += 1) {
    const isThere = (await connection.reader.firstByte(served === 0 ? headTimeoutMs : keepAliveTimeoutMs)) !== null;
    if (!isThere) {
      connection.socket.end();
      connection.socket.destroySoon();
      return;
    }
    if (!(await serveOne(context, connection))) return;
  }
}

/** True when the connection is good for another request. */
async function serveOne(context: GatewayContext, connection: ClientConnection): Promise<boolean> {
  const requestId = newRequestId();
  const refuseWith = (refusal: Refusal, about: { head?: HttpRequestHead; account?: UserAccount | null } = {}): false => {
    refuseHttp(context, connection, {
      requestId,
      refusal,
      protocol: about.head === undefined ? "unknown" : protocolOf(about.head),
      account: about.account ?? null,
      isHead: about.head?.method === "HEAD",
      ...placeOf(about.head),
    });
    return false;
  };

  const reading = await connection.reader.read(readRequestHead, headBytesMax, headTimeoutMs);
  if (reading.kind !== "message") return refuseWith(refuse("bad_request", headTrouble(reading)));
  const head = reading.message;
  const early = earlyRefusal(context, connection, head);
  if (early !== null) return refuseWith(early, { head, account: await ownerOf(context, connection, head) });
  if (head.target.form === "asterisk") return answerOptions(connection);

  const access = await accessOf(context, connection, head);
  if (access.kind === "refused") return refuseWith(access.refusal, { head, account: access.account });
  connection.prove();
  return dispatch(context, connection, { requestId, head, principal: access });
}

async function dispatch(
  context: GatewayContext,
  connection: ClientConnection,
  request: { requestId: string; head: HttpRequestHead; principal: Principal },
): Promise<boolean> {
  const { target } = request.head;
  if (target.form === "absolute") return forwardHttp(context, connection, { ...request, target });
  if (target.form === "authority") await serveConnect(context, connection, { ...request, target });
  return false;
}

function protocolOf(head: HttpRequestHead): SpokenProtocol {
  return head.target.form === "authority" ? "connect" : "http";
}

function placeOf(head: HttpRequestHead | undefined): { host?: string; port?: number } {
  const target = head?.target;
  return target?.form === "authority" || target?.form === "absolute" ? { host: target.host, port: target.port } : {};
}

/** What is refused whoever asks: a gateway without room, and what the head reader lets through and a proxy must not serve. */
function earlyRefusal(context: GatewayContext, connection: ClientConnection, head: HttpRequestHead): Refusal | null {
  const { target, method } = head;
  if (connection.shedding !== null) return connection.shedding;
  if (context.isDraining()) return refuse("draining", "the gateway is stopping");
  if (target.form === "origin") return refuse("no_destination", "the request line holds a path only");
  if (method === "TRACE") return refuse("bad_request", "TRACE is not served");
  if (target.form === "absolute" && target.scheme !== "http") {
    return refuse("bad_request", `a ${target.scheme} URL goes through CONNECT`);
  }
  return null;
}

async function accessOf(context: GatewayContext, connection: ClientConnection, head: HttpRequestHead): Promise<Principal | AccessRefusal> {
  const login = loginOf(head);
  if (login === "malformed")
    return { kind: "refused", refusal: refuse("auth_failed", "Proxy-Authorization is not well-formed Basic"), account: null };
  return context.authoriser.authorise(login, connection);
}

/** Whom the credentials prove, so that a refusal for another reason is shown to them. */
async function ownerOf(context: GatewayContext, connection: ClientConnection, head: HttpRequestHead): Promise<UserAccount | null> {
  const login = loginOf(head);
  return login === "malformed" ? null : context.authoriser.identify(login, connection);
}

function loginOf(head: HttpRequestHead): Login | null | "malformed" {
  if (head.proxyAuthorization === null) return null;
  return readBasicCredentials(head.proxyAuthorization) ?? "malformed";
}

/** `OPTIONS *` asks the server itself (RFC 9110, section 9.3.7). */
function answerOptions(connection: ClientConnection): false {
  endGently(
    connection,
    "HTTP/1.1 204 No Content\r\nAllow: CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\nConnection: close\r\n\r\n",
  );
  return false;
}

function headTrouble(reading: Exclude<Reading<unknown>, { kind: "message" }>): string {
  switch (reading.kind) {
    case "malformed":
      return `the request is malformed: ${reading.reason}`;
    case "ended":
      return "the request ended before its head was complete";
    case "too-large":
      return `the request's head is longer than ${headBytesMax} bytes`;
    case "timeout":
      return `the request's head did not come within ${headTimeoutMs / 1_000} s`;
  }
}
