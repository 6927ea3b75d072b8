/** What counts as one source for limits: an IPv4 address, or the /64 of an IPv6 address, which one home has to itself. */
export function sourceKey(address: string): string {
  if (!address.includes(":")) return address;
  const [left = "", right] = address.split("::");
  const groups = left === "" ? [] : left.split(":");
  if (right !== undefined) {
    const tail = right === "" ? 0 : right.split(":").length;
    while (groups.length + tail < 8) groups.push("0");
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** `::ffff:192.0.2.1` is IPv4 seen through a dual-stack listener; everything else stays as it is. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
