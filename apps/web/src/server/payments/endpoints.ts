/**
 * /pay/: what payment providers' servers call. docs/payments.md describes it.
 *
 * No cookie counts here and no browser comes here. Each message is read as it came, bounded, and trusted only by its
 * signature or password, which are compared in constant time. A provider that is not set up has no address.
 * Payme and Click are always answered with HTTP 200, whatever is wrong: both read any other status as a failure of ours.
 *
 * Limits: 64 kB a body; 3,000 messages a minute and address; the server's 30 s for a whole request.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { BlockList, isIP } from "node:net";
import { AppError, PANEL_ERRORS } from "@karvon/domain";
import {
  type ClickAction,
  clickErrors,
  paymeFaults,
  readClickRequest,
  readPaymeRequest,
  writePaymeFault,
  writePaymeResult,
} from "@karvon/payments";
import { answerClick, answerPayme, bookStripeNews, type ServiceContext, type ServiceDeps } from "@karvon/services";
import type { Logger } from "@karvon/telemetry";
import type { AddressReader } from "../client-address.ts";
import { readBody } from "./read-body.ts";
import { createRequestRates } from "../request-rates.ts";

export const paymentPath = "/pay/";

export type PaymentEndpoints = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

export interface PaymentEndpointOptions {
  readonly deps: ServiceDeps;
  readonly readAddress: AddressReader;
  readonly log: Logger;
}

const messageBytesMax = 65_536;
const messagesPerMinute = 3_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One message, read to its end or refused as too long (null). */
interface Message {
  readonly request: IncomingMessage;
  readonly body: string | null;
  /** It comes from an address that may send, and not too often. */
  readonly isWelcome: boolean;
  readonly ctx: ServiceContext;
}

type Endpoint = (message: Message) => Promise<Answer>;

export function createPaymentEndpoints({ deps, readAddress, log }: PaymentEndpointOptions): PaymentEndpoints {
  const rates = createRequestRates(messagesPerMinute);
  const { stripe, payme, click } = deps.payments.settings;
  const endpoints = new Map<string, { readonly provider: string; readonly isSource: SourceTest; readonly answer: Endpoint }>();
  if (stripe !== null) endpoints.set("/pay/stripe/webhook", { provider: "stripe", isSource: anySource, answer: answerStripe });
  if (payme !== null)
    endpoints.set("/pay/payme", {
      provider: "payme",
      isSource: sourceTest(payme.sources),
      answer: (message) => answerPaymeMessage(message, payme.key, log),
    });
  if (click !== null) {
    const isSource = sourceTest(click.sources);
    for (const action of ["prepare", "complete"] as const)
      endpoints.set(`/pay/click/${action}`, {
        provider: "click",
        isSource,
        answer: (message) => answerClickMessage(message, action, click, log),
      });
  }
  return async (request, response, path) => {
    const endpoint = endpoints.get(path);
    if (endpoint === undefined) return write(request, response, { status: 404, text: json({ message: "There is no such address here." }) });
    const ipAddress = readAddress(request);
    const isWelcome = endpoint.isSource(ipAddress) && rates.take(ipAddress ?? "", Date.now());
    const body = await readBody(request, messageBytesMax);
    const facts = { ipAddress, userAgent: request.headers["user-agent"] ?? null, browserSecret: null };
    const ctx: ServiceContext = { ...deps, actor: { kind: "system", name: endpoint.provider }, request: facts };
    write(request, response, await endpoint.answer({ request, body, isWelcome, ctx }));
  };
}

const refuse = (status: number, message: string): Answer => ({ status, text: json({ message }) });
const say = (text: string): Answer => ({ status: 200, text });

/** 2xx says "booked": Stripe then stops sending. Everything else makes it send again, for three days. */
async function answerStripe({ request, body, isWelcome, ctx }: Message): Promise<Answer> {
  if (request.method !== "POST") return refuse(405, "Send a POST request.");
  if (!isWelcome) return refuse(429, "Too many messages.");
  if (body === null) return refuse(413, "The message is too long.");
  const signature = request.headers["stripe-signature"];
  const news = typeof signature === "string" ? ctx.payments.stripe?.readWebhook(body, signature) : null;
  if (news === null || news === undefined) return refuse(400, "The signature is wrong or too old.");
  try {
    await bookStripeNews(ctx, news);
    return { status: 200, text: json({ received: true }) };
  } catch (cause) {
    if (cause instanceof AppError) return refuse(PANEL_ERRORS[cause.code].http, cause.message);
    throw cause;
  }
}

async function answerPaymeMessage({ request, body, isWelcome, ctx }: Message, key: string, log: Logger): Promise<Answer> {
  if (!isWelcome) return say(writePaymeFault(null, paymeFaults.notAllowed));
  if (body === null) return say(writePaymeFault(null, paymeFaults.badFields));
  const reading = readPaymeRequest({ isPost: request.method === "POST", authorization: request.headers.authorization, body }, key);
  if (reading.kind === "refused") return say(writePaymeFault(reading.requestId, reading.fault));
  try {
    const answer = await answerPayme(ctx, reading.call);
    return say(
      answer.kind === "result" ? writePaymeResult(reading.requestId, answer.result) : writePaymeFault(reading.requestId, answer.fault),
    );
  } catch (cause) {
    log.error({ event: "payme.failed", method: reading.call.method, cause });
    return say(writePaymeFault(reading.requestId, paymeFaults.system));
  }
}

interface ClickKeys {
  readonly serviceId: string;
  readonly secretKey: string;
}

async function answerClickMessage(message: Message, action: ClickAction, keys: ClickKeys, log: Logger): Promise<Answer> {
  const { request, body, isWelcome, ctx } = message;
  if (request.method !== "POST" || !isWelcome || body === null) return { status: 200, text: json(clickErrors.request) };
  const reading = readClickRequest(body, action, keys);
  if (reading.kind === "refused") return { status: 200, text: json({ ...reading.echo, ...reading.error }) };
  const numberName = action === "prepare" ? "merchant_prepare_id" : "merchant_confirm_id";
  try {
    const { error, number } = await answerClick(ctx, reading.call);
    return { status: 200, text: json({ ...reading.echo, ...(number === null ? {} : { [numberName]: Number(number) }), ...error }) };
  } catch (cause) {
    log.error({ event: "click.failed", action, cause });
    return { status: 200, text: json({ ...reading.echo, ...clickErrors.update }) };
  }
}

type SourceTest = (address: string | null) => boolean;
const anySource: SourceTest = () => true;

function sourceTest(blocks: readonly string[]): SourceTest {
  if (blocks.length === 0) return anySource;
  const list = new BlockList();
  for (const block of blocks) {
    const [address = "", bits] = block.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => address !== null && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

const json = (value: object): string => JSON.stringify(value);

function write(request: IncomingMessage, response: ServerResponse, { status, text }: Answer): void {
  // What was not read to its end must not be taken for the next request.
  if (!request.complete) response.setHeader("Connection", "close");
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}
