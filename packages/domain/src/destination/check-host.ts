/**
 * Which hosts may be asked for, judged before anything is resolved.
 *
 * A host is either a canonical address literal or a name fit for public DNS. Whatever some resolver might take for an
 * address (octal, hexadecimal, short or decimal forms) is refused as private, because that is what it is used for.
 * Names that never leave a local network are refused as well. A name that passes may still resolve to a private
 * address: `checkAddress` judges what it resolved to, where it was resolved.
 *
 * Limits: names of at most 253 characters, labels of at most 63. Names come in ASCII; other scripts as `xn--`.
 */
import { refuse, type Refusal } from "../errors.ts";
import { addressFromBytes, addressToBytes } from "./address.ts";

export type HostCheck =
  | { readonly kind: "name"; readonly host: string }
  | { readonly kind: "address"; readonly host: string; readonly address: string; readonly family: 4 | 6 }
  | Refusal;

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const numericLabel = /^(?:\d+|0x[0-9a-f]*)$/;
/** Top-level names that mean "this machine", "this network" or no DNS at all (RFC 6761, 6762, 7686, 8375, 9476). */
const localSuffixes = [
  "localhost",
  "local",
  "lan",
  "home",
  "corp",
  "internal",
  "intranet",
  "private",
  "home.arpa",
  "onion",
  "alt",
  "invalid",
  // Ours: the gateway answers names under it itself.
  "karvon",
  "in-addr.arpa",
  "ip6.arpa",
];
const metadataNames = [
  "metadata.google.internal",
  "metadata.goog",
  "instance-data.ec2.internal",
  "metadata.azure.com",
  "metadata.packet.net",
];

/** `host` as it was sent, brackets of an IPv6 literal already removed. One trailing dot is taken off a name. */
export function checkHost(host: string): HostCheck {
  if (host === "") return refuse("no_destination", "the host is empty");
  const bytes = addressToBytes(host);
  if (bytes !== null) {
    const address = addressFromBytes(bytes) ?? host;
    return { kind: "address", host: address, address, family: bytes.length === 4 ? 4 : 6 };
  }
  if (host.includes(":") || host.includes("%")) return refuse("bad_request", "the host is not a valid IPv6 address");
  const name = (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
  return checkName(name);
}

function checkName(name: string): HostCheck {
  if (name.length > 253) return refuse("bad_request", "the host name is longer than 253 characters");
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  if (numericLabel.test(last)) return refuse("private_address", "the host looks like a number but is not a plain IP address");
  if (!labels.every((part) => label.test(part))) return refuse("bad_request", "the host is not a valid name");
  const isLocal = localSuffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
  if (isLocal || metadataNames.includes(name)) return refuse("private_address", "the host name belongs to local networks");
  if (labels.length < 2) return refuse("private_address", "a host name needs a dot");
  return { kind: "name", host: name };
}
