/**
 * How the process's file descriptors are shared out, so that accept(2) never runs into EMFILE: the system would then
 * close connections without a word and the gateway could not reach its own database.
 *
 * Clients and tunnels share 90 % of the limit less a reserve for the database, files and ports of its own; 5 % are for
 * clients that are only told that there is no room, and 5 % for nodes in their handshake. Neither side can take all:
 * clients have three quarters at most, tunnels one half. Where the limit cannot be read (not Linux) 10,240 are assumed, which is
 * below what those systems give a server by default.
 */
import { readFileSync } from "node:fs";

export const connectionsMax = 12_000;
export const toldConnectionsMax = 200;
export const handshakesMax = 2_000;
export const descriptorReserve = 200;
const assumedLimit = 10_240;

export interface DescriptorPlan {
  readonly clientsMax: number;
  readonly tunnelsMax: number;
  /** Clients and tunnels together. */
  readonly sharedMax: number;
  /** Clients beyond all this that hear in their own protocol why they are not served. */
  readonly toldMax: number;
  readonly handshakesMax: number;
}

export function readDescriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line === null ? assumedLimit : Number(line[1]);
  } catch {
    return assumedLimit;
  }
}

export function planDescriptors(limit: number): DescriptorPlan {
  const reserve = Math.min(descriptorReserve, Math.floor(limit / 2));
  const sharedMax = Math.max(2, Math.floor(limit * 0.9) - reserve);
  return {
    sharedMax,
    clientsMax: Math.max(1, Math.min(connectionsMax, Math.floor(sharedMax * 0.75))),
    tunnelsMax: Math.max(1, Math.floor(sharedMax / 2)),
    toldMax: Math.max(1, Math.min(toldConnectionsMax, Math.floor(limit * 0.05))),
    handshakesMax: Math.max(1, Math.min(handshakesMax, Math.floor(limit * 0.05))),
  };
}

/** What is held now. Whoever accepts or closes counts it here. */
export class DescriptorBudget {
  readonly plan: DescriptorPlan;
  /** Clients that are served. */
  clients = 0;
  /** Clients that only hear why they are not. They take no place from those that could be served. */
  told = 0;
  tunnels = 0;

  constructor(plan: DescriptorPlan) {
    this.plan = plan;
  }

  get hasRoomForClient(): boolean {
    const { clientsMax, sharedMax } = this.plan;
    return this.clients < clientsMax && this.clients + this.tunnels < sharedMax;
  }

  get mayTell(): boolean {
    return this.told < this.plan.toldMax;
  }

  get hasRoomForTunnel(): boolean {
    const { tunnelsMax, sharedMax } = this.plan;
    return this.tunnels < tunnelsMax && this.clients + this.tunnels < sharedMax;
  }
}
