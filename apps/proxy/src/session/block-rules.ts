/**
 * Targets that nobody may reach, as the admins wrote them: hosts with everything below them, CIDR blocks, ports.
 *
 * Rules are asked for at start and after every notice; between the two the last ones stand. A pattern that cannot be
 * read blocks nothing and is logged.
 */
import type { BlockRuleRow } from "@karvon/db/sql";
import { isInPrefixes, parsePrefix, type Prefix, type Refusal, refuse } from "@karvon/domain";
import { HostSet } from "./host-set.ts";

export interface BlockRules {
  replace(rows: readonly BlockRuleRow[]): readonly BlockRuleRow[];
  /** By host and port as the client wrote them. */
  refuseTarget(host: string, port: number): Refusal | null;
  /** By the address that the node connected to. */
  refuseAddress(address: string): Refusal | null;
}

export function createBlockRules(): BlockRules {
  let hosts = new HostSet([]);
  let ports = new Set<number>();
  let prefixes: Prefix[] = [];

  return {
    /** Answers the rows that it could not read. */
    replace(rows) {
      const unreadable: BlockRuleRow[] = [];
      const names: string[] = [];
      ports = new Set();
      prefixes = [];
      for (const row of rows) {
        const prefix = row.kind === "cidr" ? parsePrefix(row.pattern) : null;
        if (row.kind === "host") names.push(row.pattern);
        else if (row.kind === "port" && /^\d{1,5}$/.test(row.pattern)) ports.add(Number(row.pattern));
        else if (prefix !== null) prefixes.push(prefix);
        else unreadable.push(row);
      }
      hosts = new HostSet(names);
      return unreadable;
    },
    refuseTarget(host, port) {
      if (ports.has(port)) return refuse("port_blocked", `port ${port} is blocked in the network`);
      if (hosts.has(host)) return refuse("target_blocked", `${host} is blocked in the network`);
      return prefixes.length > 0 ? this.refuseAddress(host) : null;
    },
    refuseAddress(address) {
      return prefixes.length > 0 && isInPrefixes(address, prefixes)
        ? refuse("target_blocked", `${address} is blocked in the network`)
        : null;
    },
  };
}
