/** How a provider's message reaches us: whole and heard, heard by nobody, or given up half-way. */
import { request } from "node:http";

export interface Outgoing {
  readonly url: string;
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Heard {
  readonly status: number;
  readonly text: string;
}

/** Sends and reads the whole answer. */
export function deliver(message: Outgoing): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const sent = open(message);
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
    });
    sent.end(message.body);
  });
}

/** The message arrives and is carried out, its answer is lost: the connection breaks when the answer begins. */
export function deliverUnheard(message: Outgoing): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = open(message);
    sent.on("error", reject);
    sent.on("response", (response) => {
      response.on("error", () => undefined);
      sent.removeAllListeners("error").on("error", () => undefined);
      sent.destroy();
      resolve();
    });
    sent.end(message.body);
  });
}

/** The sender gives up when it has sent all but the last byte: nothing may come of it. */
export function deliverInPart(message: Outgoing): Promise<void> {
  return new Promise((resolve) => {
    const sent = open({ ...message, headers: { ...message.headers, "content-length": String(Buffer.byteLength(message.body)) } });
    sent.on("error", () => resolve());
    sent.write(message.body.slice(0, -1), () => sent.destroy());
    sent.on("close", () => resolve());
  });
}

function open({ url, method = "POST", headers }: Outgoing) {
  return request(url, { method, headers, agent: false });
}
