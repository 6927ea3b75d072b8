/**
 * SOCKS5 with user name and password (RFC 1928, RFC 1929): CONNECT only; BIND and UDP ASSOCIATE are refused with 07.
 *
 * Refusals of the credentials and the account are told in the login's reply, all others in the request's: a gateway that is
 * full lets the program come so far, because a refused login would tell it to give up. One byte cannot carry words, so the
 * words are in the panel under the request id.
 */
import { refuse } from "@karvon/domain";
import { readSocksGreeting, readSocksLogin, readSocksRequest, writeSocksLoginReply, writeSocksMethod, writeSocksReply } from "@karvon/wire";
import type { AccessRefusal, Login, Principal } from "../session/authorise.ts";
import type { Reading } from "./byte-reader.ts";
import {
  endGently,
  type GatewayContext,
  delayGuess,
  newRequestId,
  noteRefusal,
  type ReadConnection,
  type RefusedOn,
} from "./client-connection.ts";
import { openPipe, type PipeRequest, startPipe } from "./open-pipe.ts";
import { refusalFacts, socksReplyCode } from "./render-refusal.ts";

const noMethod = 0xff;
const noLogin = 0x00;
const passwordLogin = 0x02;
/** 1 + 1 + 255 + 1 + 255. */
const messageBytesMax = 513;

export async function serveSocks5(context: GatewayContext, connection: ReadConnection): Promise<void> {
  const requestId = newRequestId();
  const access = await login(context, connection, requestId);
  if (access === null) return;
  const { account } = access;
  const reading = await connection.reader.read(readSocksRequest, messageBytesMax, context.timeouts.headMs);
  if (access.kind === "refused") {
    const place = reading.kind === "message" ? { host: reading.message.host, port: reading.message.port } : {};
    answerRequest(context, connection, { requestId, protocol: "socks5", refusal: access.refusal, account, ...place });
    return;
  }
  if (reading.kind !== "message") {
    const refusal = refuse("bad_request", `the SOCKS5 request ${trouble(reading)}`);
    // RFC 1928 has a reply for an address type that nobody knows.
    const reply = isAddressTypeTrouble(reading) ? 0x08 : 0x07;
    answerRequest(context, connection, { requestId, protocol: "socks5", refusal, account }, reply);
    return;
  }
  const { command, host, port } = reading.message;
  if (command !== "connect") {
    const refusal = refuse("bad_request", `SOCKS5 command ${command} is not offered`);
    answerRequest(context, connection, { requestId, protocol: "socks5", refusal, account, host, port });
    return;
  }
  await connect(context, connection, { requestId, principal: access, protocol: "socks5", host, port });
}

async function connect(context: GatewayContext, connection: ReadConnection, pipe: PipeRequest): Promise<void> {
  const { requestId, principal, host, port } = pipe;
  const early = connection.reader.release();
  const opened = await openPipe(context, connection, pipe);
  if (opened.kind === "refused") {
    answerRequest(context, connection, { requestId, protocol: "socks5", refusal: opened, account: principal.account, host, port });
    return;
  }
  connection.socket.write(writeSocksReply(0x00));
  await startPipe(context, connection, pipe, opened, early);
}

/** Null when the refusal has been told; one that is no matter of the login waits for the request, which has a reply for it. */
async function login(context: GatewayContext, connection: ReadConnection, requestId: string): Promise<Principal | AccessRefusal | null> {
  const { reader, socket } = connection;
  const greeting = await reader.read(readSocksGreeting, messageBytesMax, context.timeouts.headMs);
  if (greeting.kind !== "message") {
    const refusal = refuse("bad_request", `the SOCKS5 greeting ${trouble(greeting)}`);
    endWith(context, connection, { requestId, protocol: "socks5", refusal }, writeSocksMethod(noMethod));
    return null;
  }
  const { methods } = greeting.message;
  if (methods.includes(passwordLogin)) {
    socket.write(writeSocksMethod(passwordLogin));
    return passwordAccess(context, connection, requestId);
  }
  const access = methods.includes(noLogin) ? await judge(context, connection, null) : noLoginOffered;
  if (access.kind === "principal" || isToldByReply(access)) {
    if (access.kind === "principal") connection.prove();
    socket.write(writeSocksMethod(noLogin));
    return access;
  }
  const { refusal, account } = access;
  endWith(context, connection, { requestId, protocol: "socks5", refusal, account }, writeSocksMethod(noMethod));
  return null;
}

async function passwordAccess(
  context: GatewayContext,
  connection: ReadConnection,
  requestId: string,
): Promise<Principal | AccessRefusal | null> {
  const { reader, socket } = connection;
  const reading = await reader.read(readSocksLogin, messageBytesMax, context.timeouts.headMs);
  if (reading.kind !== "message") {
    const refusal = refuse("bad_request", `the SOCKS5 login ${trouble(reading)}`);
    endWith(context, connection, { requestId, protocol: "socks5", refusal }, writeSocksLoginReply(false));
    return null;
  }
  const access = await judge(context, connection, reading.message);
  if (access.kind === "principal" || isToldByReply(access)) {
    if (access.kind === "principal") connection.prove();
    socket.write(writeSocksLoginReply(true));
    return access;
  }
  const { refusal, account } = access;
  await delayGuess(context.tarpit, socket, access);
  endWith(context, connection, { requestId, protocol: "socks5", refusal, account }, writeSocksLoginReply(false));
  return null;
}

/** A gateway that is too full to serve still finds out whose the refusal is. */
async function judge(context: GatewayContext, connection: ReadConnection, sent: Login | null): Promise<Principal | AccessRefusal> {
  const { shedding } = connection;
  if (shedding === null) return context.authoriser.authorise(sent, connection);
  return { kind: "refused", refusal: shedding, account: await context.authoriser.identify(sent, connection) };
}

/** Who guesses passwords is told at the login, like everybody whose password is wrong. */
function isToldByReply(access: AccessRefusal): boolean {
  return access.isGuessing !== true && typeof refusalFacts(access.refusal.code).socks5 === "number";
}

const noLoginOffered: AccessRefusal = {
  kind: "refused",
  refusal: refuse("auth_missing", "the program offers no login by user name and password"),
  account: null,
};

function answerRequest(context: GatewayContext, connection: ReadConnection, refused: RefusedOn, reply?: number): void {
  if (refusalFacts(refused.refusal.code).socks5 === "close") {
    noteRefusal(context, connection, refused);
    connection.socket.destroy();
    return;
  }
  endWith(context, connection, refused, writeSocksReply(reply ?? socksReplyCode(refused.refusal.code)));
}

function endWith(context: GatewayContext, connection: ReadConnection, refused: RefusedOn, lastBytes: Buffer): void {
  noteRefusal(context, connection, refused);
  connection.reader.release();
  endGently(connection.socket, lastBytes);
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
