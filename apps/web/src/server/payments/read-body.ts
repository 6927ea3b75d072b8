import type { IncomingMessage } from "node:http";

/** The body as text. Null when it is longer than `bytesMax`, whose rest is left unread, and when the sender went away. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes = Buffer.from(chunk);
      length += bytes.length;
      if (length > bytesMax) return null;
      chunks.push(bytes);
    }
  } catch (cause) {
    if (request.destroyed) return null;
    throw cause;
  }
  return Buffer.concat(chunks).toString("utf8");
}
