/** The answer's own header fields: which exit served the request. Values are printable ASCII whatever GeoIP says. */
import type { HttpField } from "@karvon/wire";
import type { OpenedSession } from "../session/open-session.ts";

export function exitFields(requestId: string, opened: OpenedSession): HttpField[] {
  const { node, sticky, stickyName } = opened;
  const fields: HttpField[] = [{ name: "x-px-request-id", value: requestId }];
  add(fields, "x-px-exit-ip", node.publicAddress);
  add(fields, "x-px-country", node.place.country);
  add(fields, "x-px-city", node.place.city);
  add(fields, "x-px-asn", node.place.asn);
  add(fields, "x-px-type", node.connectionType);
  if (sticky !== null && stickyName !== null) {
    add(fields, "x-px-session", stickyName);
    add(fields, "x-px-session-expires", new Date(sticky.expiresAtMs).toISOString());
    if (opened.isExitChanged) add(fields, "x-px-ip-changed", "1");
  }
  return fields;
}

function add(fields: HttpField[], name: string, value: string | number | null): void {
  if (value === null || value === "") return;
  fields.push({ name, value: typeof value === "number" ? String(value) : asciiText(value) });
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
