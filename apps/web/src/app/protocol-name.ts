/** How the protocols are written in tables. */
const names: Readonly<Record<string, string>> = { http: "HTTP", connect: "CONNECT", socks5: "SOCKS5" };
export const protocolName = (protocol: string): string => names[protocol] ?? protocol.toUpperCase();
