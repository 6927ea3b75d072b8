/**
 * Plays Click's servers towards a SHOP API: two form posts, each signed with md5 over its raw values. The signature is made
 * here from the document's words, not with our own code.
 */
import { createHash, randomInt } from "node:crypto";
import { deliver, deliverInPart, deliverUnheard, type Outgoing } from "./deliver.ts";

export interface ClickReply {
  readonly status: number;
  readonly error: number;
  readonly error_note: string;
  readonly click_trans_id?: number;
  readonly merchant_trans_id?: string;
  readonly merchant_prepare_id?: number;
  readonly merchant_confirm_id?: number;
}

export interface ClickMessage {
  readonly clickTransId: string;
  readonly orderId: string;
  /** Soums as Click writes them, for example "75906" or "75906.00". */
  readonly amount: string;
  readonly error?: string;
  readonly prepareId?: string;
  /** Signed as given; the address is that of the call. */
  readonly action?: string;
  /** Overrides of the form after it was signed. */
  readonly forged?: Readonly<Record<string, string>>;
}

export interface PlayedClick {
  prepare(message: ClickMessage): Promise<ClickReply>;
  complete(message: ClickMessage): Promise<ClickReply>;
  completeUnheard(message: ClickMessage): Promise<void>;
  completeInPart(message: ClickMessage): Promise<void>;
  newId(): string;
}

export interface ClickParty {
  /** Where /prepare and /complete are. */
  readonly url: string;
  readonly serviceId: string;
  readonly secretKey: string;
}

export function playClick({ url, serviceId, secretKey }: ClickParty): PlayedClick {
  const messageOf = (action: "0" | "1", message: ClickMessage): Outgoing => {
    const { clickTransId, orderId, amount, error = "0", prepareId = "", action: said = action, forged = {} } = message;
    const signTime = "2026-11-28 12:00:00";
    const prepared = action === "1" ? prepareId : "";
    const signed = `${clickTransId}${serviceId}${secretKey}${orderId}${prepared}${amount}${said}${signTime}`;
    const form = new URLSearchParams({
      click_trans_id: clickTransId,
      service_id: serviceId,
      click_paydoc_id: clickTransId,
      merchant_trans_id: orderId,
      ...(action === "1" ? { merchant_prepare_id: prepareId } : {}),
      amount,
      action: said,
      error,
      error_note: error === "0" ? "Success" : "Failed",
      sign_time: signTime,
      sign_string: createHash("md5").update(signed).digest("hex"),
      ...forged,
    });
    return {
      url: `${url}/${action === "0" ? "prepare" : "complete"}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
    };
  };
  return {
    prepare: (message) => hear(messageOf("0", message)),
    complete: (message) => hear(messageOf("1", message)),
    completeUnheard: (message) => deliverUnheard(messageOf("1", message)),
    completeInPart: (message) => deliverInPart(messageOf("1", message)),
    newId: () => String(randomInt(1_000_000_000, 2_000_000_000)),
  };
}

async function hear(message: Outgoing): Promise<ClickReply> {
  const { status, text } = await deliver(message);
  return { status, ...(JSON.parse(text) as Omit<ClickReply, "status">) };
}
