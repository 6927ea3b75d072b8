/** The answer's own header fields: which exit served the request. Values are printable ASCII whatever GeoIP says. */
import type { OpenedSession } from "../session/open-session.ts";
import type { LiveNode } from "../tunnel/live-node.ts";

/** Lines of a head, each with its line end. Every name begins with `x-px-`. */
export function exitLines(requestId: string, opened: Pick<OpenedSession, "node" | "sticky" | "stickyName" | "isExitChanged">): string {
  const { node } = opened;
  return `x-px-request-id: ${requestId}\r\n${nodeLines(node)}x-px-type: ${node.connectionType}\r\n${sessionLines(opened)}`;
}

/** What never changes while a tunnel lives is written once. */
const linesOfNodes = new WeakMap<LiveNode, string>();

function nodeLines(node: LiveNode): string {
  let lines = linesOfNodes.get(node);
  if (lines === undefined) {
    const { country, city, asn } = node.place;
    const facts: readonly (readonly [string, string | number | null])[] = [
      ["x-px-exit-ip", node.publicAddress],
      ["x-px-country", country],
      ["x-px-city", city],
      ["x-px-asn", asn],
    ];
    lines = facts.map(([name, value]) => (value === null || value === "" ? "" : `${name}: ${asciiText(String(value))}\r\n`)).join("");
    linesOfNodes.set(node, lines);
  }
  return lines;
}

function sessionLines({ sticky, stickyName, isExitChanged }: Pick<OpenedSession, "sticky" | "stickyName" | "isExitChanged">): string {
  if (sticky === null || stickyName === null) return "";
  const expires = new Date(sticky.expiresAtMs).toISOString();
  return `x-px-session: ${stickyName}\r\nx-px-session-expires: ${expires}\r\n${isExitChanged ? "x-px-ip-changed: 1\r\n" : ""}`;
}

/** Accents fall away ("São Paulo" is "Sao Paulo"); what is left outside printable ASCII is percent-encoded. */
export function asciiText(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^\x20-\x7e]+/g, (run) =>
      [...Buffer.from(run, "utf8")].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
    );
}
