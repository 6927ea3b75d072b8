/**
 * How many client connections this process may hold before the system refuses it a descriptor.
 *
 * 90 % of the limit, less 200 for the database, tunnels in handshake and files. Where the limit cannot be read (not
 * Linux) a limit of 10,240 is assumed, which is below what those systems give a server by default.
 */
import { readFileSync } from "node:fs";

export const connectionsMax = 12_000;
const assumedLimit = 10_240;
const reserve = 200;

export function readDescriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line === null ? assumedLimit : Number(line[1]);
  } catch {
    return assumedLimit;
  }
}

export function connectionBudget(descriptorLimit: number): number {
  return Math.max(1, Math.min(connectionsMax, Math.floor(descriptorLimit * 0.9) - reserve));
}
