/**
 * SOCKS5 with user name and password (RFC 1928, RFC 1929): CONNECT only; BIND and UDP ASSOCIATE are refused with 07.
 *
 * Account refusals are told in the login reply, all others in the request's reply. One byte cannot carry words, so the
 * words are in the panel under the request id.
 */
import { refuse } from "@karvon/domain";
import { readSocksGreeting, readSocksLogin, readSocksRequest, writeSocksLoginReply, writeSocksMethod, writeSocksReply } from "@karvon/wire";
import type { Principal } from "../session/authorise.ts";
import type { Reading } from "./byte-reader.ts";
import {
  type ClientConnection,
  endGently,
  type GatewayContext,
  delayGuess,
  newRequestId,
  noteRefusal,
  type RefusedOn,
} from "./client-connection.ts";
import { isEchoHost, openEcho } from "./echo-answer.ts";
import { refusalFacts, socksReplyCode } from "./render-refusal.ts";
import { serveEchoTunnel } from "./serve-echo.ts";

const noMethod = 0xff;
const noLogin = 0x00;
const passwordLogin = 0x02;
/** 1 + 1 + 255 + 1 + 255. */
const messageBytesMax = 513;

export async function serveSocks5(context: GatewayContext, connection: ClientConnection): Promise<void> {
  const requestId = newRequestId();
  const principal = await login(context, connection, requestId);
  if (principal === null) return;
  connection.prove();
  const reading = await connection.reader.read(readSocksRequest, messageBytesMax, context.timeouts.headMs);
  if (reading.kind !== "message") {
    const refusal = refuse("bad_request", `the SOCKS5 request ${trouble(reading)}`);
    // Silence deserves no answer; RFC 1928 has a reply for an address type that nobody knows.
    answerRequest(
      context,
      connection,
      { requestId, protocol: "socks5", refusal, account: principal.account },
      isAddressTypeTrouble(reading) ? 0x08 : 0x07,
    );
    return;
  }
  const { command, host, port } = reading.message;
  if (command !== "connect") {
    const refusal = refuse("bad_request", `SOCKS5 command ${command} is not offered`);
    answerRequest(context, connection, { requestId, protocol: "socks5", refusal, account: principal.account, host, port });
    return;
  }
  const early = connection.reader.release();
  const opened = isEchoHost(host)
    ? await openEcho(context.opener, { requestId, principal, port })
    : await context.opener.open({
        requestId,
        principal,
        protocol: "socks5",
        host,
        port,
        callerAddress: connection.address,
        client: connection.socket,
      });
  if (opened.kind === "refused") {
    answerRequest(context, connection, { requestId, protocol: "socks5", refusal: opened, account: principal.account, host, port });
    return;
  }
  connection.socket.write(writeSocksReply(0x00));
  if (opened.kind === "previewed") return serveEchoTunnel(context, connection, { requestId, principal, exit: opened }, early);
  opened.line.stream.attach(connection.socket, early);
}

async function login(context: GatewayContext, connection: ClientConnection, requestId: string): Promise<Principal | null> {
  const { reader, socket } = connection;
  const greeting = await reader.read(readSocksGreeting, messageBytesMax, context.timeouts.headMs);
  if (greeting.kind !== "message") {
    endWith(
      context,
      connection,
      { requestId, protocol: "socks5", refusal: refuse("bad_request", `the SOCKS5 greeting ${trouble(greeting)}`) },
      writeSocksMethod(noMethod),
    );
    return null;
  }
  if (connection.shedding !== null) {
    endWith(context, connection, { requestId, protocol: "socks5", refusal: connection.shedding }, writeSocksMethod(noMethod));
    return null;
  }
  const { methods } = greeting.message;
  if (methods.includes(passwordLogin)) {
    socket.write(writeSocksMethod(passwordLogin));
    return passwordPrincipal(context, connection, requestId);
  }
  const access = methods.includes(noLogin)
    ? await context.authoriser.authorise(null, connection)
    : { kind: "refused" as const, refusal: refuse("auth_missing", "the program offers no login by user name and password"), account: null };
  if (access.kind === "principal") {
    socket.write(writeSocksMethod(noLogin));
    return access;
  }
  endWith(
    context,
    connection,
    { requestId, protocol: "socks5", refusal: access.refusal, account: access.account },
    writeSocksMethod(noMethod),
  );
  return null;
}

async function passwordPrincipal(context: GatewayContext, connection: ClientConnection, requestId: string): Promise<Principal | null> {
  const { reader, socket } = connection;
  const reading = await reader.read(readSocksLogin, messageBytesMax, context.timeouts.headMs);
  if (reading.kind !== "message") {
    endWith(
      context,
      connection,
      { requestId, protocol: "socks5", refusal: refuse("bad_request", `the SOCKS5 login ${trouble(reading)}`) },
      writeSocksLoginReply(false),
    );
    return null;
  }
  const access = await context.authoriser.authorise(reading.message, connection);
  if (access.kind === "principal") {
    socket.write(writeSocksLoginReply(true));
    return access;
  }
  const refused = { requestId, protocol: "socks5" as const, refusal: access.refusal, account: access.account };
  await delayGuess(context.tarpit, socket, access);
  endWith(context, connection, refused, writeSocksLoginReply(false));
  return null;
}

function answerRequest(context: GatewayContext, connection: ClientConnection, refused: RefusedOn, reply?: number): void {
  if (refusalFacts(refused.refusal.code).socks5 === "close") {
    noteRefusal(context, connection, refused);
    connection.socket.destroy();
    return;
  }
  endWith(context, connection, refused, writeSocksReply(reply ?? socksReplyCode(refused.refusal.code)));
}

function endWith(context: GatewayContext, connection: ClientConnection, refused: RefusedOn, lastBytes: Buffer): void {
  noteRefusal(context, connection, refused);
  endGently(connection, lastBytes);
}

function isAddressTypeTrouble(reading: Reading<unknown>): boolean {
  return reading.kind === "malformed" && reading.reason === "address-type";
}

function trouble(reading: Exclude<Reading<unknown>, { kind: "message" }>): string {
  switch (reading.kind) {
    case "malformed":
      return `is malformed: ${reading.reason}`;
    case "ended":
      return "ended early";
    case "too-large":
      return "is too long";
    case "timeout":
      return "did not come in time";
  }
}
