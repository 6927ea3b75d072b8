/**
 * What every reader of this package answers.
 *
 * A reader gets all bytes from the start of the message that have arrived so far. "more" asks for bytes and costs
 * nothing to ask again; "message" tells how many bytes the message took, the rest belongs to what follows;
 * "malformed" is final and its reason is a fixed word that holds no input. No reader throws on any input.
 */
export type Feed<Message> =
  | { readonly kind: "more" }
  | { readonly kind: "message"; readonly message: Message; readonly consumed: number }
  | Malformed;

export interface Malformed {
  readonly kind: "malformed";
  readonly reason: string;
}

export const needMore: { readonly kind: "more" } = { kind: "more" };

export function malformed(reason: string): Malformed {
  return { kind: "malformed", reason };
}
