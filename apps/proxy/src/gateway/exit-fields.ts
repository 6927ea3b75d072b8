/** The answer's own header fields: which exit served the request. Values are printable ASCII whatever GeoIP says. */
import type { HttpField } from "@karvon/wire";
import type { OpenedSession } from "../session/open-session.ts";
import type { LiveNode } from "../tunnel/live-node.ts";

export function exitFields(requestId: string, opened: OpenedSession): HttpField[] {
  return [
    { name: "x-px-request-id", value: requestId },
    ...nodeFields(opened.node),
    { name: "x-px-type", value: opened.node.connectionType },
    ...sessionFields(opened),
  ];
}

/** The same as lines of a head. */
export function exitLines(requestId: string, opened: OpenedSession): string {
  let lines = `x-px-request-id: ${requestId}\r\n${nodeLines(opened.node)}x-px-type: ${opened.node.connectionType}\r\n`;
  for (const { name, value } of sessionFields(opened)) lines += `${name}: ${value}\r\n`;
  return lines;
}

/** What never changes while a tunnel lives is written once. */
const fieldsOfNodes = new WeakMap<LiveNode, readonly HttpField[]>();
const linesOfNodes = new WeakMap<LiveNode, string>();

function nodeFields(node: LiveNode): readonly HttpField[] {
  let fields = fieldsOfNodes.get(node);
  if (fields === undefined) {
    const { country, city, asn } = node.place;
    const facts: readonly (readonly [string, string | number | null])[] = [
      ["x-px-exit-ip", node.publicAddress],
      ["x-px-country", country],
      ["x-px-city", city],
      ["x-px-asn", asn],
    ];
    fields = facts.flatMap(([name, value]) => (value === null || value === "" ? [] : [{ name, value: asciiText(String(value)) }]));
    fieldsOfNodes.set(node, fields);
  }
  return fields;
}

function nodeLines(node: LiveNode): string {
  let lines = linesOfNodes.get(node);
  if (lines === undefined) {
    lines = nodeFields(node)
      .map(({ name, value }) => `${name}: ${value}\r\n`)
      .join("");
    linesOfNodes.set(node, lines);
  }
  return lines;
}

function sessionFields({ sticky, stickyName, isExitChanged }: OpenedSession): readonly HttpField[] {
  if (sticky === null || stickyName === null) return [];
  const fields: HttpField[] = [
    { name: "x-px-session", value: stickyName },
    { name: "x-px-session-expires", value: new Date(sticky.expiresAtMs).toISOString() },
  ];
  return isExitChanged ? [...fields, { name: "x-px-ip-changed", value: "1" }] : fields;
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
