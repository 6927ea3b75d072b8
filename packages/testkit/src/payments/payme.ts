/** Plays Payme's servers towards a Merchant API: JSON-RPC over POST, Basic authentication, every call as often as wanted. */
import { randomBytes } from "node:crypto";
import { deliver, deliverInPart, deliverUnheard, type Outgoing } from "./deliver.ts";

export interface PaymeReply {
  readonly status: number;
  readonly id: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: unknown; readonly data?: string };
}

export interface PlayedPayme {
  call(method: string, params: object, options?: { readonly key?: string }): Promise<PaymeReply>;
  /** As it came, for what is no call. */
  send(message: Partial<Outgoing>): Promise<PaymeReply>;
  callUnheard(method: string, params: object): Promise<void>;
  callInPart(method: string, params: object): Promise<void>;
  /** 24 hexadecimal digits, as Payme's ids are. */
  newId(): string;
}

export function playPayme({ url, key }: { readonly url: string; readonly key: string }): PlayedPayme {
  let requests = 0;
  const messageOf = (method: string, params: object, password = key): Outgoing => {
    requests += 1;
    return {
      url,
      headers: { "content-type": "application/json", authorization: `Basic ${Buffer.from(`Paycom:${password}`).toString("base64")}` },
      body: JSON.stringify({ method, params, id: requests }),
    };
  };
  return {
    call: (method, params, options) => hear(messageOf(method, params, options?.key)),
    send: (message) => hear({ ...messageOf("", {}), ...message }),
    callUnheard: (method, params) => deliverUnheard(messageOf(method, params)),
    callInPart: (method, params) => deliverInPart(messageOf(method, params)),
    newId: () => randomBytes(12).toString("hex"),
  };
}

async function hear(message: Outgoing): Promise<PaymeReply> {
  const { status, text } = await deliver(message);
  return { status, ...(JSON.parse(text) as Omit<PaymeReply, "status">) };
}
