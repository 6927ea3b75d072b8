/**
 * Reads one request of Click's SHOP API, where Click calls us with a form and we answer with JSON.
 *
 * The signature covers the text as it was received, so no value is read before its text is hashed.
 * Source: docs.click.uz, "Click-API - Request" (fields, sign_string of Prepare and Complete) and "Click-API - Error" (codes).
 */
import { createHash } from "node:crypto";
import { parseMinor } from "@karvon/domain";
import { equalSecrets } from "../constant-time.ts";

// prettier-ignore
export const clickErrors = {
  success: { error: 0, error_note: "Success" },
  signature: { error: -1, error_note: "SIGN CHECK FAILED!" },
  amount: { error: -2, error_note: "Incorrect parameter amount" },
  action: { error: -3, error_note: "Action not found" },
  alreadyPaid: { error: -4, error_note: "Already paid" },
  order: { error: -5, error_note: "User does not exist" },
  transaction: { error: -6, error_note: "Transaction does not exist" },
  update: { error: -7, error_note: "Failed to update user" },
  request: { error: -8, error_note: "Error in request from click" },
  cancelled: { error: -9, error_note: "Transaction cancelled" },
} as const;
export type ClickError = (typeof clickErrors)[keyof typeof clickErrors];

export type ClickAction = "prepare" | "complete";
const actionCodes: Readonly<Record<ClickAction, string>> = { prepare: "0", complete: "1" };

export interface ClickCall {
  readonly action: ClickAction;
  /** Click's id of the payment, as text. */
  readonly clickTransId: string;
  readonly orderId: string;
  /** Our number from Prepare; null in Prepare itself. */
  readonly prepareId: bigint | null;
  /** Null when it is no amount with at most two decimals, and then no order's. */
  readonly amountTiyin: bigint | null;
  /** Below 0 Click says that the payment failed. */
  readonly clickError: number;
}

/** What an answer repeats of its request. */
export interface ClickEcho {
  readonly click_trans_id: number | string;
  readonly merchant_trans_id: string;
}

export type ClickReading =
  | { readonly kind: "call"; readonly echo: ClickEcho; readonly call: ClickCall }
  | { readonly kind: "refused"; readonly echo: ClickEcho; readonly error: ClickError };

export interface ClickKeys {
  readonly serviceId: string;
  readonly secretKey: string;
}

const baseFields = ["click_trans_id", "service_id", "merchant_trans_id", "amount", "action", "error", "sign_time", "sign_string"] as const;

/** `expected` is the address that was called: Prepare's and Complete's are two. */
export function readClickRequest(body: string, expected: ClickAction, keys: ClickKeys): ClickReading {
  const form = new URLSearchParams(body);
  const field = (name: string): string => form.get(name) ?? "";
  const echo = { click_trans_id: asNumber(field("click_trans_id")), merchant_trans_id: field("merchant_trans_id") };
  const refuse = (error: ClickError): ClickReading => ({ kind: "refused", echo, error });
  const names = expected === "complete" ? [...baseFields, "merchant_prepare_id"] : baseFields;
  if (names.some((name) => form.getAll(name).length !== 1)) return refuse(clickErrors.request);
  if (!equalSecrets(field("sign_string").toLowerCase(), signClick(form, expected, keys.secretKey))) return refuse(clickErrors.signature);
  if (field("action") !== actionCodes[expected]) return refuse(clickErrors.action);
  const prepareId = /^\d{1,18}$/.test(field("merchant_prepare_id")) ? BigInt(field("merchant_prepare_id")) : null;
  if (field("service_id") !== keys.serviceId || !/^\d{1,18}$/.test(field("click_trans_id")) || !/^-?\d{1,9}$/.test(field("error")))
    return refuse(clickErrors.request);
  if (expected === "complete" && prepareId === null) return refuse(clickErrors.transaction);
  return {
    kind: "call",
    echo,
    call: {
      action: expected,
      clickTransId: field("click_trans_id"),
      orderId: field("merchant_trans_id"),
      prepareId: expected === "complete" ? prepareId : null,
      amountTiyin: parseMinor(field("amount")),
      clickError: Number(field("error")),
    },
  };
}

/** The md5 that Click calls sign_string. It is the protocol's; nothing else here relies on md5. */
export function signClick(form: URLSearchParams, action: ClickAction, secretKey: string): string {
  const field = (name: string): string => form.get(name) ?? "";
  const parts = [
    field("click_trans_id"),
    field("service_id"),
    secretKey,
    field("merchant_trans_id"),
    ...(action === "complete" ? [field("merchant_prepare_id")] : []),
    field("amount"),
    field("action"),
    field("sign_time"),
  ];
  return createHash("md5").update(parts.join("")).digest("hex");
}

/** Click's ids are numbers; one that a JSON number cannot hold goes back as it came. */
function asNumber(text: string): number | string {
  const value = Number(text);
  return text !== "" && Number.isSafeInteger(value) ? value : text;
}
