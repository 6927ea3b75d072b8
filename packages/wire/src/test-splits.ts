/** Feeds a reader the same bytes in several ways. Readers are asked again with everything from the start, as a socket would. */
import type { Feed } from "./feed.ts";

export type Answer<Message> = Feed<Message> | { readonly kind: "absent" };

/** The first answer other than "more" when bytes arrive in parts that end at `cuts` (and at the end). */
export function feedInParts<Message>(read: (input: Buffer) => Answer<Message>, bytes: Buffer, cuts: readonly number[]): Answer<Message> {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  for (const end of ends) {
    const answer = read(bytes.subarray(0, end));
    if (answer.kind !== "more") return answer;
  }
  return { kind: "more" };
}

/** One byte at a time. */
export function feedByBytes<Message>(read: (input: Buffer) => Answer<Message>, bytes: Buffer): Answer<Message> {
  return feedInParts(
    read,
    bytes,
    Array.from({ length: bytes.length }, (_, index) => index),
  );
}

/** Deep equality that is quick enough for ten thousand runs. */
export function sameAnswer(left: Answer<unknown>, right: Answer<unknown>): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
