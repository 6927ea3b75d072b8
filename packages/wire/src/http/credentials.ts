import { trimBlanks } from "./field-lines.ts";

/**
 * The value of the one whole Proxy-Authorization line of a head that could not be read, to tell whose request it was. Null
 * without such a line, or with two that may differ. At most 16 KiB of `input` are looked at, each byte once or twice.
 */
export function findProxyAuthorization(input: Buffer): string | null {
  const head = input.toString("latin1", 0, 16_384);
  const end = head.indexOf("\r\n\r\n");
  const found = [...(end < 0 ? head : head.slice(0, end + 2)).matchAll(/\r\nproxy-authorization:([^\r\n]*)(?=\r\n)/gi)];
  return found.length === 1 ? trimBlanks(found[0]?.[1] ?? "", 0) : null;
}

/** User and password of a Basic field value (RFC 7617); null when it is anything else. At most 1,024 characters. */
export function readBasicCredentials(value: string): { readonly username: string; readonly password: string } | null {
  if (value.length > 1_024) return null;
  const match = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value);
  const encoded = match?.[1];
  if (encoded === undefined || encoded.length % 4 === 1) return null;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
