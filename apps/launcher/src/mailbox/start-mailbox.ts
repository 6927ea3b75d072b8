/**
 * The local mailbox: catches the platform's mail over real SMTP and shows it on a page and as JSON.
 *
 * It listens on 127.0.0.1 only and answers only requests addressed to it by that name, because mails hold sign-in codes
 * and a web page elsewhere must not read them through a name that points here. It forwards nothing.
 * Limits: 200 mails, 1 MB and 20 receivers a mail, 20 connections, 30 s of silence.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Server } from "node:net";
import { simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerDataStream } from "smtp-server";
import { mailPage } from "./mail-page.ts";
import { openMailStore, type MailStore } from "./mail-store.ts";

const mailBytesMax = 1_000_000;
const receiversMax = 20;
const connectionsMax = 20;
const silenceMs = 30_000;

export interface Mailbox {
  readonly smtpUrl: string;
  /** The page; JSON stands under `api/mails`. */
  readonly pageUrl: string;
  close(): Promise<void>;
}

export async function startMailbox(dir: string, onError: (cause: unknown) => void): Promise<Mailbox> {
  const store = openMailStore(dir);
  const smtp = createSmtp(store);
  smtp.on("error", onError);
  const page = createServer((request, response) => answer(store, request, response));
  page.on("error", onError);
  page.on("clientError", (_error, socket) => socket.destroy());
  const smtpPort = await listen(smtp.server);
  const pagePort = await listen(page);
  return {
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    pageUrl: `http://127.0.0.1:${pagePort}/`,
    async close() {
      await new Promise<void>((done) => smtp.close(() => done()));
      await new Promise((done) => {
        page.close(done);
        page.closeAllConnections();
      });
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the mailbox got no port"));
      else resolve(address.port);
    });
  });
}

function createSmtp(store: MailStore): SMTPServer {
  return new SMTPServer({
    name: "karvon-mailbox",
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    size: mailBytesMax,
    maxClients: connectionsMax,
    socketTimeout: silenceMs,
    logger: false,
    onRcptTo(_address, session, done) {
      done(session.envelope.rcptTo.length >= receiversMax ? new Error("Too many receivers") : undefined);
    },
    onData(stream, session, done) {
      void keep(store, stream, session.id).then(done);
    },
  });
}

/** Null when the mail is kept; otherwise why the sender must be told that it is not. */
async function keep(store: MailStore, stream: SMTPServerDataStream, sessionId: string): Promise<Error | null> {
  try {
    await parseInto(store, stream, sessionId);
    return null;
  } catch (cause) {
    return cause instanceof Error ? cause : new Error("The mail was not kept");
  }
}

async function parseInto(store: MailStore, stream: SMTPServerDataStream, sessionId: string): Promise<void> {
  const mail = await simpleParser(stream, { skipTextToHtml: true, skipImageLinks: true });
  if (stream.sizeExceeded) throw new Error("The mail is larger than 1 MB");
  const at = new Date();
  const receivers = [mail.to ?? []].flat().map((list) => list.text);
  store.add({
    id: `${at.getTime()}-${sessionId.replace(/[^a-z0-9]/gi, "").slice(0, 24)}`,
    at: at.toISOString(),
    from: mail.from?.text ?? "",
    to: receivers.join(", "),
    subject: mail.subject ?? "",
    text: mail.text ?? "",
  });
}

const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

function answer(store: MailStore, request: IncomingMessage, response: ServerResponse): void {
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { ...securityHeaders, "content-type": `${type}; charset=utf-8` }).end(body);
  };
  const host = request.headers.host?.replace(/:\d+$/, "");
  if (host !== "127.0.0.1" && host !== "localhost") return send(421, "text/plain", "Ask for 127.0.0.1.\n");
  if (request.method !== "GET" && request.method !== "HEAD") return send(405, "text/plain", "Only GET is understood.\n");
  const path = (request.url ?? "/").split("?", 1)[0];
  if (path === "/") return send(200, "text/html", mailPage(store.list()));
  if (path === "/api/mails") return send(200, "application/json", JSON.stringify(store.list()));
  send(404, "text/plain", "There is a page at / and JSON at /api/mails.\n");
}
