/** What a failed call says to a person, and what it says to support. */
import type { AppRouter } from "@karvon/api";
import { TRPCClientError } from "@trpc/client";

export interface Failure {
  readonly message: string;
  /** Procedure, code, HTTP status and time, to copy into a support request. */
  readonly detail: string;
  /** A PANEL_ERRORS code when the server foresaw this. */
  readonly code: string | null;
  /** Messages by form field. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

type ApiError = TRPCClientError<AppRouter>;

/** tRPC's client throws one class only; its data is typed by the router's error formatter. */
function asApiError(error: unknown): ApiError | null {
  return error instanceof TRPCClientError ? (error as ApiError) : null;
}

export function readFailure(error: unknown): Failure {
  const api = asApiError(error);
  const data = api?.data;
  const at = new Date().toISOString();
  if (api === null || data === undefined || data === null) {
    return {
      message: "The server did not answer. Check your connection, then try again.",
      detail: `no answer · ${at}`,
      code: null,
      fields: {},
    };
  }
  const words = [data.path ?? "call", data.appCode ?? data.code, `HTTP ${data.httpStatus}`, at];
  return { message: api.message, detail: words.join(" · "), code: data.appCode, fields: data.fields ?? {} };
}

/** A refusal is an answer: asking again brings the same one. */
export function isRefusal(error: unknown): boolean {
  const status = asApiError(error)?.data?.httpStatus;
  return status !== undefined && status >= 400 && status < 500;
}

export function isSignedOut(error: unknown): boolean {
  const data = asApiError(error)?.data;
  return data?.appCode === "SIGN_IN_REQUIRED";
}
