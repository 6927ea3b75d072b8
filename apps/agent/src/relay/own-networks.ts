/**
 * What this device must never let a client reach although the internet calls it public: hosts on its own links, the
 * outer side of its own router, and the gateway itself.
 */
import { networkInterfaces } from "node:os";
import { type EgressAllow, type Prefix, addressToBytes, isInPrefixes } from "@karvon/domain";

const freshMs = 2_000;

export interface OwnNetworks {
  /** Who the device is towards the internet, told by the gateway at each connection. */
  publicAddress: string | null;
  gateway: { readonly address: string; readonly port: number } | null;
  /** The reason for refusing, or null. `allow` opens own networks in tests, never the gateway's door. */
  refuses(address: string, port: number, allow: EgressAllow): string | null;
}

export function createOwnNetworks(readInterfaces: typeof networkInterfaces = networkInterfaces): OwnNetworks {
  let onLink: readonly Prefix[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;

  function listOnLink(): readonly Prefix[] {
    // Interfaces come and go with Wi-Fi and mobile data; asking the system for every stream would cost 0.1 ms each.
    if (performance.now() - readAtMs > freshMs) {
      onLink = readOnLink(readInterfaces);
      readAtMs = performance.now();
    }
    return onLink;
  }

  const own: OwnNetworks = {
    publicAddress: null,
    gateway: null,
    refuses(address, port, allow) {
      const { gateway, publicAddress } = own;
      if (gateway && isSame(address, gateway.address) && port === gateway.port) return "it is the gateway's own door";
      if (isAllowed(address, port, allow)) return null;
      if (gateway && isSame(address, gateway.address)) return "it is the gateway itself";
      if (publicAddress !== null && isSame(address, publicAddress)) return "it is this device's own address";
      return isInPrefixes(address, listOnLink()) ? "it is on a network of this device" : null;
    },
  };
  return own;
}

function isAllowed(address: string, port: number, allow: EgressAllow): boolean {
  return isInPrefixes(address, allow.prefixes) || allow.endpoints.some((entry) => entry.address === address && entry.port === port);
}

/** By bytes, so that two spellings of one address, or its IPv4-mapped form, are the same. */
function isSame(left: string, right: string): boolean {
  const bytes = addressToBytes(right);
  return bytes !== null && isInPrefixes(left, [{ bytes: plain(bytes), bits: plain(bytes).length * 8 }]);
}

function plain(bytes: readonly number[]): readonly number[] {
  const isMapped = bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff && bytes.slice(0, 10).every((byte) => byte === 0);
  return isMapped ? bytes.slice(12) : bytes;
}

function readOnLink(readInterfaces: typeof networkInterfaces): Prefix[] {
  return Object.values(readInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ address, cidr }) => {
      const bytes = addressToBytes(address.split("%")[0] ?? "");
      const bits = Number(cidr?.split("/")[1]);
      // An address without a mask is still this device's own.
      return bytes ? [{ bytes, bits: Number.isInteger(bits) ? bits : bytes.length * 8 }] : [];
    }),
  );
}
