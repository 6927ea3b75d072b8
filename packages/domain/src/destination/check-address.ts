/**
 * Which addresses traffic may go to, judged after name resolution, at the gateway and again at the node.
 *
 * Only what the registries call global unicast passes: IPv4 outside every special block; IPv6 inside 2000::/3 and
 * outside every special block. Addresses that carry an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo)
 * never pass, whatever they carry. Unknown and odd forms are refused, not guessed at.
 * It does not look at networks that this machine is attached to; a node asks `isInPrefixes` for those.
 */
import ipaddr from "ipaddr.js";
import { refuse, type Refusal } from "../errors.ts";
import { addressFromBytes, addressToBytes } from "./address.ts";
import type { EgressAllow } from "./egress-allow.ts";
import { endsOf, isInPrefixes, type Prefix } from "./prefix.ts";

export type AddressCheck = { readonly kind: "allowed"; readonly address: string; readonly family: 4 | 6 } | Refusal;

/** `address` as a resolver or a socket gives it. `port` only matters for allow entries that name one. */
export function checkAddress(address: string, allow: EgressAllow, port?: number): AddressCheck {
  const bytes = addressToBytes(address);
  if (bytes === null) return refuse("private_address", "the address is not a plain IP address");
  const text = addressFromBytes(bytes) ?? address;
  const family = bytes.length === 4 ? 4 : 6;
  if (isGlobalUnicast(bytes) || isAllowed(text, allow, port)) return { kind: "allowed", address: text, family };
  return refuse("private_address", `${text} is not a public address`);
}

/**
 * Null when every address of the block is public, or let through by `allow`. For blocks of at most a /24 or an IPv6 /48: no special
 * block is smaller, so the two ends speak for what lies between.
 */
export function refuseBlock(block: Prefix, allow: EgressAllow): Refusal | null {
  for (const end of endsOf(block)) {
    const checked = checkAddress(end, allow);
    if (checked.kind === "refused") return checked;
  }
  return null;
}

function isAllowed(address: string, allow: EgressAllow, port: number | undefined): boolean {
  if (allow.endpoints.some((entry) => entry.port === port && entry.address === address)) return true;
  return isInPrefixes(address, allow.prefixes);
}

function isGlobalUnicast(bytes: readonly number[]): boolean {
  if (bytes.length === 4) return new ipaddr.IPv4([...bytes]).range() === "unicast";
  const first = bytes[0] ?? 0;
  if ((first & 0xe0) !== 0x20) return false;
  return new ipaddr.IPv6([...bytes]).range() === "unicast";
}
