/** Signatures that are being filled in; each moves to its own file under the same name. */
import type { Ask, Refusal } from "@karvon/domain";
import type { Feed } from "./feed.ts";
import type { HttpField, HttpRequestHead, HttpResponseHead } from "./http/types.ts";

// HTTP. Reads from the first byte of the head; give it everything received so far.
export declare function readRequestHead(input: Buffer): Feed<HttpRequestHead>;
export declare function readResponseHead(input: Buffer, requestMethod: string): Feed<HttpResponseHead>;
/** "end" tells how many bytes of this chunk still belong to the body. Chunks pass on unchanged. */
export interface ChunkedScanner {
  scan(
    chunk: Buffer,
  ):
    | { readonly kind: "more" }
    | { readonly kind: "end"; readonly consumed: number }
    | { readonly kind: "malformed"; readonly reason: string };
}
export declare function createChunkedScanner(): ChunkedScanner;
/** Origin-form head for the target of an absolute-form request; hop-by-hop and proxy fields removed, Host regenerated. */
export declare function writeForwardedRequest(head: HttpRequestHead, options?: { keepAlive?: boolean }): Buffer;
export declare function writeForwardedResponse(
  head: HttpResponseHead,
  options: { keepAlive: boolean; extraFields?: readonly HttpField[] },
): Buffer;
/** Value of Proxy-Authorization; null when it is not well-formed Basic. */
export declare function readBasicCredentials(value: string): { username: string; password: string } | null;

// SOCKS5
export declare function readSocksGreeting(input: Buffer): Feed<{ methods: readonly number[] }>;
export declare function writeSocksMethod(method: number): Buffer; // 0x00 none, 0x02 password, 0xFF none acceptable
export declare function readSocksLogin(input: Buffer): Feed<{ username: string; password: string }>;
export declare function writeSocksLoginReply(isAccepted: boolean): Buffer;
export type SocksCommand = "connect" | "bind" | "udp-associate" | "unknown";
export declare function readSocksRequest(
  input: Buffer,
): Feed<{ command: SocksCommand; host: string; port: number; addressType: "ipv4" | "ipv6" | "name" }>;
export declare function writeSocksReply(code: number, bound?: { address: string; port: number }): Buffer;

// PROXY protocol
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** null for LOCAL and UNKNOWN: the connection's own address counts. */
  readonly source: { readonly address: string; readonly port: number } | null;
}
/** "absent" as soon as the bytes cannot be a PROXY header. */
export declare function readProxyHeader(input: Buffer): Feed<ProxyHeader> | { readonly kind: "absent" };
export declare function writeProxyHeaderV1(ends: {
  sourceAddress: string;
  sourcePort: number;
  destinationAddress: string;
  destinationPort: number;
}): Buffer;

// Username grammar
export interface ProxyTarget {
  readonly kind: "target";
  readonly dialect: "native";
  readonly user: string;
  readonly ask: Ask;
}
export declare function readProxyUsername(text: string): ProxyTarget | Refusal;
