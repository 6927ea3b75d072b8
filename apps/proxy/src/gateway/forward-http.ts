/**
 * Absolute-form HTTP: one request of a client connection over a session of its own.
 *
 * The head is parsed once, rewritten and sent; the body follows while the answer already comes back. A request that
 * fails before the answer's head gets a refusal and is not charged unless a flush has named it already; one that fails
 * later ends the client's connection, so that a cut answer never looks like a whole one.
 *
 * Limits: 16 KiB request head, 64 KiB answer head, 10 interim answers, 60 s to the answer's head, 12 s of silence
 * in the client's body and 120 s in the target's.
 */
import { type Refusal, refuse } from "@karvon/domain";
import { type HttpRequestHead, type HttpResponseHead, readResponseHead, writeForwardedRequest, writeForwardedResponse } from "@karvon/wire";
import type { Principal } from "../session/authorise.ts";
import type { OpenedSession } from "../session/open-session.ts";
import { ByteReader, type Reading } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import {
  bodyIdleTimeoutMs,
  type ClientConnection,
  endGently,
  type GatewayContext,
  refuseHttp,
  responseTimeoutMs,
  uploadIdleTimeoutMs,
  takeBack,
} from "./client-connection.ts";
import { exitFields } from "./exit-fields.ts";
import { type BodyOutcome, pumpBody } from "./pump-body.ts";

export interface ForwardedRequest {
  readonly requestId: string;
  readonly head: HttpRequestHead;
  readonly target: Extract<HttpRequestHead["target"], { form: "absolute" }>;
  readonly principal: Principal;
}

const responseHeadBytesMax = 65_536;
const interimsMax = 10;

/** True when the connection is good for another request. Otherwise it has been ended. */
export async function forwardHttp(context: GatewayContext, connection: ClientConnection, request: ForwardedRequest): Promise<boolean> {
  const { requestId, head, target, principal } = request;
  const refuseWith = (refusal: Refusal, isBilled = false): false => {
    refuseHttp(context, connection, {
      requestId,
      protocol: "http",
      refusal,
      account: principal.account,
      host: target.host,
      port: target.port,
      isHead: head.method === "HEAD",
      isBilled,
    });
    return false;
  };

  const opened = await context.opener.open({
    requestId,
    principal,
    protocol: "http",
    host: target.host,
    port: target.port,
    callerAddress: connection.address,
  });
  if (opened.kind === "refused") return refuseWith(opened);

  const exchange = openExchange(opened);
  const writer = new ByteWriter(connection.socket);
  const onClientGone = (): void => opened.line.stream.reset("cancelled");
  connection.socket.once("close", onClientGone);
  try {
    const upload = sendRequest(connection, exchange, head).then((outcome) => {
      // A body that will never be whole: the target must not wait for it, nor the client for the target.
      if (outcome === "malformed" || outcome === "source-lost") opened.line.stream.reset("cancelled");
      return outcome;
    });
    const answer = await readAnswer(exchange, head, writer);
    if (answer.kind === "refused") {
      const refusal = bodyRefusal(await Promise.race([upload, Promise.resolve(null)])) ?? answer;
      opened.line.finish();
      return refuseWith(refusal, takeBack(context, opened.line.live));
    }
    return await relayAnswer(connection, writer, { request, opened, exchange, upload, answer });
  } finally {
    connection.socket.off("close", onClientGone);
    writer.release();
    opened.line.finish();
  }
}

/** What was wrong with the client's own body, which then explains everything. */
function bodyRefusal(uploaded: BodyOutcome | null): Refusal | null {
  if (uploaded === "malformed") return refuse("bad_request", "the request's body is malformed");
  return uploaded === "source-lost" ? refuse("bad_request", "the request's body ended early or stopped") : null;
}

interface Exchange {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
}

function openExchange(opened: OpenedSession): Exchange {
  const stream = opened.line.stream.toDuplex();
  return { reader: new ByteReader(stream), writer: new ByteWriter(stream) };
}

async function sendRequest(connection: ClientConnection, exchange: Exchange, head: HttpRequestHead): Promise<BodyOutcome> {
  if (!(await exchange.writer.write(writeForwardedRequest(head, { keepAlive: false })))) return "sink-lost";
  return pumpBody(connection.reader, exchange.writer, head.body, uploadIdleTimeoutMs);
}

/** The final answer's head; interim ones (100, 103) are passed on as they come. */
async function readAnswer(
  exchange: Exchange,
  head: HttpRequestHead,
  writer: ByteWriter,
): Promise<{ kind: "answer"; head: HttpResponseHead } | Refusal> {
  for (let interims = 0; interims <= interimsMax; interims += 1) {
    const reading = await exchange.reader.read((input) => readResponseHead(input, head.method), responseHeadBytesMax, responseTimeoutMs);
    if (reading.kind !== "message") return answerRefusal(reading);
    if (reading.message.status === 101) return refuse("target_reset", "the target changed the protocol without being asked");
    if (!reading.message.isInterim) return { kind: "answer", head: reading.message };
    // HTTP/1.0 knows no interim answers (RFC 9110, section 15.2).
    if (head.version === "1.1") await writer.write(writeForwardedResponse(reading.message, { keepAlive: true }));
  }
  return refuse("target_reset", `the target sent more than ${interimsMax} interim answers`);
}

function answerRefusal(reading: Exclude<Reading<unknown>, { kind: "message" }>): Refusal {
  switch (reading.kind) {
    case "timeout":
      return refuse("response_timeout", `no answer came within ${responseTimeoutMs / 1_000} s`);
    case "ended":
      return refuse(
        "target_reset",
        reading.hasBytes ? "the target closed in the middle of its answer's head" : "the target closed without an answer",
      );
    case "too-large":
      return refuse("target_reset", "the answer's head is too long");
    case "malformed":
      return refuse("target_reset", `the answer is not valid HTTP: ${reading.reason}`);
  }
}

interface Relay {
  readonly request: ForwardedRequest;
  readonly opened: OpenedSession;
  readonly exchange: Exchange;
  readonly upload: Promise<BodyOutcome>;
  readonly answer: { readonly head: HttpResponseHead };
}

async function relayAnswer(connection: ClientConnection, writer: ByteWriter, relay: Relay): Promise<boolean> {
  const { head } = relay.answer;
  const isPersistent = relay.request.head.keepAlive && head.body.kind !== "close";
  await writer.write(
    writeForwardedResponse(head, { keepAlive: isPersistent, extraFields: exitFields(relay.request.requestId, relay.opened) }),
  );
  const download = await pumpBody(relay.exchange.reader, writer, head.body, bodyIdleTimeoutMs);
  if (download !== "complete") {
    // Not `end`: the client must see that the body was cut (RFC 9112, section 8).
    connection.socket.resetAndDestroy();
    return false;
  }
  // An answer that came before the whole request leaves the rest of the request in the way of the next one.
  const uploaded = await Promise.race([relay.upload, Promise.resolve(null)]);
  if (isPersistent && uploaded === "complete") return true;
  endGently(connection, "");
  return false;
}
