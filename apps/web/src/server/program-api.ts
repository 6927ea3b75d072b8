/**
 * /v1/: what clients' programs ask without a browser. docs/api.md describes it.
 *
 * A program signs in with each request by the credentials of a proxy user (Basic), as it does on the proxy endpoint; no
 * cookie counts here. Every answer is JSON; a refusal has `code` and `message`. A parameter that is not known is refused,
 * never ignored.
 *
 * Limits: 60 requests a minute and proxy user; wrong passwords as everywhere (10 an address in 15 minutes).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, isoCountries, PANEL_ERRORS } from "@karvon/domain";
import { authenticateProgram, type Program, type ServiceDeps } from "@karvon/services";
import type { AddressReader } from "./client-address.ts";
import { createRequestRates } from "./request-rates.ts";

export const programPath = "/v1/";

export type ProgramApi = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

export interface ProgramApiOptions {
  readonly deps: ServiceDeps;
  readonly readAddress: AddressReader;
}

const requestsPerMinute = 60;
const credentialsCharsMax = 1_024;

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export function createProgramApi({ deps, readAddress }: ProgramApiOptions): ProgramApi {
  const rates = createRequestRates(requestsPerMinute);

  async function answerTo(request: IncomingMessage, path: string): Promise<Answer> {
    if (path !== "/v1/availability") return refused(404, "not_found", "There is no such address here.");
    const program = await signIn(deps, request, readAddress(request));
    if ("status" in program) return program;
    const nowMs = deps.now().getTime();
    if (!rates.take(program.proxyUserId, nowMs)) {
      return refused(429, "rate_limited", `More than ${requestsPerMinute} requests a minute.`, { "Retry-After": "60" });
    }
    return availability(deps, new URL(request.url ?? "/", "http://panels.invalid").searchParams);
  }

  return async (request, response, path) => {
    const { status, body, headers = {} } = await answerTo(request, path);
    const text = `${JSON.stringify(body)}\n`;
    response.writeHead(status, {
      ...headers,
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      "Content-Length": Buffer.byteLength(text),
    });
    response.end(request.method === "HEAD" ? undefined : text);
  };
}

async function availability(deps: ServiceDeps, params: URLSearchParams): Promise<Answer> {
  const unknown = [...params.keys()].find((name) => name !== "country");
  if (unknown !== undefined) return refused(400, "bad_request", `There is no parameter "${unknown.slice(0, 64)}".`);
  const [given, ...more] = params.getAll("country");
  const asOf = deps.now().toISOString();
  if (given === undefined) return { status: 200, body: { asOf, ...(await deps.findAvailability()) } };
  const country = given.toUpperCase();
  if (more.length > 0 || !isoCountries.has(country)) return refused(400, "bad_request", "country is one ISO 3166-1 code of two letters.");
  return { status: 200, body: { asOf, ...(await deps.findCountryPlaces(country)) } };
}

async function signIn(deps: ServiceDeps, request: IncomingMessage, ipAddress: string | null): Promise<Program | Answer> {
  const login = readBasic(request.headers.authorization ?? "");
  if (login === null) return refused(401, "auth_missing", "Send the username and password of a proxy user (Basic).", challenge);
  try {
    return await authenticateProgram(deps, { ...login, ipAddress });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const status = PANEL_ERRORS[cause.code].http;
    return refused(status, cause.code.toLowerCase(), cause.message, status === 401 ? challenge : {});
  }
}

const challenge = { "WWW-Authenticate": 'Basic realm="Karvon", charset="UTF-8"' };

/** RFC 7617, section 2. */
function readBasic(header: string): { readonly username: string; readonly password: string } | null {
  const encoded = header.length > credentialsCharsMax ? undefined : /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function refused(status: number, code: string, message: string, headers: Answer["headers"] = {}): Answer {
  return { status, body: { code, message }, headers };
}
