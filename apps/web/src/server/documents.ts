/**
 * /documents/<order>/invoice.pdf and receipt.pdf: a client's own, an admin's all.
 *
 * Made anew each time from what is stored; nothing is kept. Limits: 20 documents a minute and user; one takes about 0.1 s of the process.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, PANEL_ERRORS } from "@karvon/domain";
import { renderOrderDocument } from "@karvon/documents";
import { getOrderDocument, type ServiceDeps } from "@karvon/services";
import { OrderDocumentInput } from "@karvon/services/inputs";
import type { AddressReader } from "./client-address.ts";
import { readCookie } from "./cookies.ts";
import { createRequestRates } from "./request-rates.ts";
import type { SignInCookie } from "./runtime.ts";
import type { SignIns } from "./sign-ins.ts";

export const documentPath = "/documents/";

export type Documents = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

export interface DocumentOptions {
  readonly deps: ServiceDeps;
  readonly signIns: SignIns;
  readonly readAddress: AddressReader;
  readonly cookie: SignInCookie;
}

const documentsPerMinute = 20;

export function createDocuments({ deps, signIns, readAddress, cookie }: DocumentOptions): Documents {
  const rates = createRequestRates(documentsPerMinute);

  async function make(request: IncomingMessage, path: string): Promise<{ name: string; file: Buffer }> {
    const [id = "", name = "", ...rest] = path.slice(documentPath.length).split("/");
    const input = OrderDocumentInput.safeParse({ id, kind: name.replace(/\.pdf$/, "") });
    if (!input.success || rest.length > 0 || !name.endsWith(".pdf")) throw new AppError("NOT_FOUND", "There is no such document.");
    const { actor } = await signIns.identify(readCookie(request.headers.cookie, cookie.name));
    const ipAddress = readAddress(request);
    const userId = "userId" in actor ? actor.userId : "";
    if (userId !== "" && !rates.take(userId, deps.now().getTime()))
      throw new AppError("TRIES_EXCEEDED", "Too many documents. Try again in a minute.");
    const facts = await getOrderDocument({ ...deps, actor, request: { ipAddress, userAgent: null, browserSecret: null } }, input.data);
    return { name: `${facts.kind}-${facts.number}.pdf`, file: await renderOrderDocument(facts) };
  }

  return async (request, response, path) => {
    try {
      const { name, file } = await make(request, path);
      response.writeHead(200, {
        "Content-Type": "application/pdf",
        "Content-Disposition": `attachment; filename="${name}"`,
        "Cache-Control": "private, no-store",
        "Content-Length": file.length,
      });
      response.end(request.method === "HEAD" ? undefined : file);
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      response.writeHead(PANEL_ERRORS[cause.code].http, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
      response.end(`${cause.message}\n`);
    }
  };
}
