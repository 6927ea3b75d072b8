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
