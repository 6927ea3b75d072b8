/** Host, port and (for literals) address in one go: what the gateway asks before it routes anything. */
import type { Refusal } from "../errors.ts";
import { checkAddress } from "./check-address.ts";
import { checkHost } from "./check-host.ts";
import { checkPort } from "./check-port.ts";
import type { EgressAllow } from "./egress-allow.ts";

export interface Destination {
  readonly kind: "name" | "address";
  /** Canonical: lower case, without a trailing dot; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export function checkDestination(
  host: string,
  port: number,
  allow: EgressAllow,
  extraPorts: readonly number[] = [],
): Destination | Refusal {
  const checked = checkHost(host);
  if (checked.kind === "refused") return checked;
  if (checked.kind === "name") return checkPort(port, allow, { extraPorts }) ?? { kind: "name", host: checked.host, port };
  const address = checkAddress(checked.address, allow, port);
  if (address.kind === "refused") return address;
  return checkPort(port, allow, { address: address.address, extraPorts }) ?? { kind: "address", host: address.address, port };
}
