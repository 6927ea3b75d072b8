/**
 * Plays Stripe on loopback: the four API calls that we make, with Stripe's idempotency keys, and webhooks with its signature
 * (made here from the document's words, not with Stripe's own library, which our code uses).
 */
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { deliver, deliverInPart, deliverUnheard, type Heard, type Outgoing } from "./deliver.ts";

export interface PlayedSession {
  readonly id: string;
  readonly orderId: string;
  readonly amount: number;
  status: "open" | "complete" | "expired";
}

export type StripeFault = "lost answer" | "refusal";

export interface PlayedStripe {
  readonly apiUrl: string;
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly sessions: readonly PlayedSession[];
  /** Payment intents that were refunded, each once per key. */
  readonly refunds: readonly string[];
  /** The next API call suffers it. */
  failNext(fault: StripeFault): void;
  /** What happens while the next API call is under way. */
  meanwhile(work: () => Promise<void>): void;
  /** The session's payment intent. */
  captureOf(session: PlayedSession): string;
  send(event: string, options?: { readonly secret?: string; readonly at?: number }): Promise<Heard>;
  sendUnheard(event: string): Promise<void>;
  sendInPart(event: string): Promise<void>;
  close(): Promise<void>;
}

export interface StripeParty {
  /** Where webhooks go; known after the panels listen. */
  readonly webhookUrl: () => string;
}

export async function playStripe({ webhookUrl }: StripeParty): Promise<PlayedStripe> {
  const secretKey = `sk_test_${randomBytes(12).toString("hex")}`;
  const webhookSecret = `whsec_${randomBytes(24).toString("hex")}`;
  const books: Books = { sessions: [], refunds: [], answers: new Map() };
  let fault: StripeFault | null = null;
  let meanwhile: (() => Promise<void>) | null = null;
  const server = createServer((request, response) => {
    const suffered = fault;
    fault = null;
    const work = meanwhile;
    meanwhile = null;
    Promise.resolve(work?.())
      .then(() => answerApi(books, secretKey, request, response, suffered))
      .catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const messageOf = (event: string, secret = webhookSecret, at = Math.floor(Date.now() / 1000)): Outgoing => ({
    url: webhookUrl(),
    headers: {
      "content-type": "application/json",
      "stripe-signature": `t=${at},v1=${createHmac("sha256", secret).update(`${at}.${event}`).digest("hex")}`,
    },
    body: event,
  });
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secretKey,
    webhookSecret,
    sessions: books.sessions,
    refunds: books.refunds,
    failNext: (next) => void (fault = next),
    meanwhile: (work) => void (meanwhile = work),
    captureOf: ({ id }) => `pi_${id.slice(3)}`,
    send: (event, options) => deliver(messageOf(event, options?.secret, options?.at)),
    sendUnheard: (event) => deliverUnheard(messageOf(event)),
    sendInPart: (event) => deliverInPart(messageOf(event)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface SessionEvent {
  readonly type: string;
  readonly session: PlayedSession;
  readonly amount?: number;
  readonly currency?: string;
  readonly paymentStatus?: "paid" | "unpaid";
}

/** The text of an event about a session. */
export function sessionEvent({ type, session, amount = session.amount, currency = "usd", paymentStatus = "paid" }: SessionEvent): string {
  return eventText(type, {
    id: session.id,
    object: "checkout.session",
    client_reference_id: session.orderId,
    amount_total: amount,
    currency,
    payment_status: paymentStatus,
    payment_intent: `pi_${session.id.slice(3)}`,
    status: session.status,
  });
}

export function refundEvent(captureRef: string, amount: number, isWhole = true): string {
  return eventText("charge.refunded", { object: "charge", payment_intent: captureRef, amount_refunded: amount, refunded: isWhole });
}

function eventText(type: string, object: object): string {
  return JSON.stringify({ id: `evt_${randomBytes(12).toString("hex")}`, object: "event", type, data: { object } });
}

interface Books {
  readonly sessions: PlayedSession[];
  readonly refunds: string[];
  /** Idempotency key to the answer that it got. */
  readonly answers: Map<string, string>;
}

async function answerApi(
  books: Books,
  secretKey: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: StripeFault | null,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const form = new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
  const say = (status: number, body: string): void => {
    response.writeHead(status, { "content-type": "application/json", "stripe-should-retry": "false" });
    response.end(body);
  };
  if (request.headers.authorization !== `Bearer ${secretKey}`) return say(401, '{"error":{"type":"invalid_request_error"}}');
  if (fault === "refusal") return say(402, '{"error":{"type":"card_error","message":"refused"}}');
  const key = String(request.headers["idempotency-key"] ?? "");
  const known = books.answers.get(key);
  const body = known ?? carryOut(books, request, form);
  if (request.method === "POST" && key !== "") books.answers.set(key, body);
  if (fault === "lost answer") response.destroy();
  else say(200, body);
}

function carryOut(books: Books, request: IncomingMessage, form: URLSearchParams): string {
  const [, , first = "", second = "", id = "", verb = ""] = (request.url ?? "").split("/");
  if (first === "refunds") {
    books.refunds.push(form.get("payment_intent") ?? "");
    return JSON.stringify({ id: `re_${books.refunds.length}`, object: "refund", status: "succeeded" });
  }
  const found = books.sessions.find((session) => session.id === id);
  if (found !== undefined && verb === "expire") found.status = "expired";
  const session = found ?? newSession(books, form);
  const url = `https://checkout.stripe.com/c/pay/${session.id}`;
  return JSON.stringify({ object: `${first}.${second}`, id: session.id, status: session.status, url });
}

function newSession(books: Books, form: URLSearchParams): PlayedSession {
  const session: PlayedSession = {
    id: `cs_test_${randomBytes(12).toString("hex")}`,
    orderId: form.get("client_reference_id") ?? "",
    amount: Number(form.get("line_items[0][price_data][unit_amount]")),
    status: "open",
  };
  books.sessions.push(session);
  return session;
}
