/**
 * Reads one JSON-RPC request of Payme's Merchant API, where we are the server.
 *
 * Source: developer.help.paycom.uz, "Протокол Merchant API", "Формат запроса", "Типы данных" and the page of each method.
 * The caller answers HTTP 200 whatever happens: any other status is a failure of ours to Payme (-32400).
 */
import { equalSecrets } from "../constant-time.ts";
import { accountField, type PaymeFault, paymeFaults } from "./faults.ts";

export type PaymeCall =
  | { readonly method: "CheckPerformTransaction"; readonly amountTiyin: bigint; readonly orderId: string | null }
  | {
      readonly method: "CreateTransaction";
      readonly id: string;
      readonly timeMs: number;
      readonly amountTiyin: bigint;
      readonly orderId: string | null;
    }
  | { readonly method: "PerformTransaction"; readonly id: string }
  | { readonly method: "CancelTransaction"; readonly id: string; readonly reason: number }
  | { readonly method: "CheckTransaction"; readonly id: string }
  | { readonly method: "GetStatement"; readonly fromMs: number; readonly toMs: number };

/** JSON-RPC's own id, repeated in the answer. */
export type RequestId = number | string | null;

export type PaymeReading =
  | { readonly kind: "call"; readonly requestId: RequestId; readonly call: PaymeCall }
  | { readonly kind: "refused"; readonly requestId: RequestId; readonly fault: PaymeFault };

export interface PaymeMessage {
  readonly isPost: boolean;
  /** The Authorization header; the login is "Paycom", the password the cash box's key. */
  readonly authorization: string | undefined;
  readonly body: string;
}

/** Who calls is checked before what is called. */
export function readPaymeRequest(message: PaymeMessage, key: string): PaymeReading {
  if (!message.isPost) return { kind: "refused", requestId: null, fault: paymeFaults.notPost };
  const root = parseObject(message.body);
  const requestId = root === null ? null : readRequestId(root["id"]);
  const refuse = (fault: PaymeFault): PaymeReading => ({ kind: "refused", requestId, fault });
  const expected = `Basic ${Buffer.from(`Paycom:${key}`).toString("base64")}`;
  if (!equalSecrets(message.authorization ?? "", expected)) return refuse(paymeFaults.notAllowed);
  if (root === null) return refuse(paymeFaults.notJson);
  const { method } = root;
  if (typeof method !== "string" || !isObject(root["params"])) return refuse(paymeFaults.badFields);
  const reader = Object.hasOwn(readers, method) ? readers[method] : undefined;
  if (reader === undefined) return refuse(paymeFaults.unknownMethod);
  const call = reader(root["params"]);
  return call === null ? refuse(paymeFaults.badFields) : { kind: "call", requestId, call };
}

export function writePaymeResult(requestId: RequestId, result: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id: requestId, result });
}

export function writePaymeFault(requestId: RequestId, error: PaymeFault): string {
  return JSON.stringify({ jsonrpc: "2.0", id: requestId, error });
}

type Fields = Readonly<Record<string, unknown>>;
type Reader = (params: Fields) => PaymeCall | null;

const readers: Readonly<Record<string, Reader>> = {
  CheckPerformTransaction: (params) => {
    const order = readOrder(params);
    return order === null ? null : { method: "CheckPerformTransaction", ...order };
  },
  CreateTransaction: (params) => {
    const order = readOrder(params);
    const id = readTransactionId(params["id"]);
    const timeMs = readTime(params["time"]);
    return order === null || id === null || timeMs === null ? null : { method: "CreateTransaction", id, timeMs, ...order };
  },
  PerformTransaction: (params) => withId(params, (id) => ({ method: "PerformTransaction", id })),
  CancelTransaction: (params) => {
    const { reason } = params;
    if (typeof reason !== "number" || !Number.isInteger(reason)) return null;
    return withId(params, (id) => ({ method: "CancelTransaction", id, reason }));
  },
  CheckTransaction: (params) => withId(params, (id) => ({ method: "CheckTransaction", id })),
  GetStatement: (params) => {
    const fromMs = readTime(params["from"]);
    const toMs = readTime(params["to"]);
    return fromMs === null || toMs === null ? null : { method: "GetStatement", fromMs, toMs };
  },
};

function withId(params: Fields, make: (id: string) => PaymeCall): PaymeCall | null {
  const id = readTransactionId(params["id"]);
  return id === null ? null : make(id);
}

/** An account without our field is an order that does not exist, which has an error of its own. */
function readOrder(params: Fields): { amountTiyin: bigint; orderId: string | null } | null {
  const { amount, account } = params;
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || !isObject(account)) return null;
  const orderId = account[accountField];
  return { amountTiyin: BigInt(amount), orderId: typeof orderId === "string" ? orderId : null };
}

/** 24 characters by the document; we hold to what a column can keep. */
function readTransactionId(value: unknown): string | null {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value) ? value : null;
}

const timeMsMax = 8_640_000_000_000_000;
function readTime(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= timeMsMax ? value : null;
}

function readRequestId(value: unknown): RequestId {
  return typeof value === "number" || typeof value === "string" ? value : null;
}

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
