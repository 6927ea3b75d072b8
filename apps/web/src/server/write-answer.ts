/**
 * Writes a fetch Response to node:http: an event stream as it comes, everything else in one piece.
 *
 * One piece is one system call with a length, where passing the body on as a stream takes three and several promises
 * a chunk: a third of a short call's time. Answers are bounded by their pages (100 rows), so the piece is small.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** `signal` aborts when the browser has gone. */
export async function writeAnswer(answer: Response, response: ServerResponse, signal: AbortSignal): Promise<void> {
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) if (name !== "set-cookie") response.setHeader(name, value);
  for (const cookie of answer.headers.getSetCookie()) response.appendHeader("Set-Cookie", cookie);
  if (answer.body !== null && answer.headers.get("content-type")?.startsWith("text/event-stream") === true) {
    return writeStream(answer.body, response, signal);
  }
  const body = Buffer.from(await answer.arrayBuffer());
  response.setHeader("Content-Length", body.length);
  response.end(body);
}

async function writeStream(body: ReadableStream<Uint8Array>, response: ServerResponse, signal: AbortSignal): Promise<void> {
  response.flushHeaders();
  try {
    for await (const chunk of body) {
      // A reader that is slower than the stream is waited for: the feed behind drops what it misses.
      if (!response.write(chunk)) await once(response, "drain", { signal });
      if (signal.aborted) break;
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  } finally {
    response.end();
  }
}
