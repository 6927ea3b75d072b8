/** What a connection to the proxy port speaks, told by its first byte. */
export type ProxyProtocol = "socks5" | "socks4" | "tls" | "http";

/** Only 0x04, 0x05 and 0x16 are not HTTP; the HTTP reader refuses whatever else is wrong. */
export function sniffProtocol(firstByte: number): ProxyProtocol {
  if (firstByte === 0x05) return "socks5";
  if (firstByte === 0x04) return "socks4";
  return firstByte === 0x16 ? "tls" : "http";
}
