/** A copy of its own: a part of a longer text would keep the client's whole head in memory for as long. */
export function ownText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
