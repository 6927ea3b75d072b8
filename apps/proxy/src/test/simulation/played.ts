/** What must hold once a simulation has been played. */
import type { LedgerLab, Person } from "./ledger-lab.ts";
import type { GatewayProcess } from "./simulated-gateway.ts";
import type { SimulatedSession } from "./simulated-session.ts";

/** Where one gateway's processes follow each other. */
export interface Seat {
  readonly gatewayId: string;
  readonly name: string;
  readonly dataDir: string;
  clockErrorMs: number;
  process: GatewayProcess | null;
}

export interface Played {
  readonly lab: LedgerLab;
  readonly people: readonly Person[];
  readonly seats: readonly Seat[];
  readonly sessions: readonly SimulatedSession[];
  /** By client. */
  readonly credited: ReadonlyMap<string, number>;
  readonly fail: (what: string) => void;
}

/** Nothing waits for the ledger any more. */
export function checkBacklog({ seats, fail }: Played): void {
  for (const { name, process } of seats) {
    if (process?.isServing !== true) fail(`${name} does not serve`);
    else if (process.parts.flusher.lagMs > 0 || process.parts.sessions.unpostedBytes > 0)
      fail(`${name} has ${process.parts.sessions.unpostedBytes} bytes to post after ${process.parts.flusher.lagMs} ms`);
  }
}

/** Billed is at least what left a gateway, at most what it counted, and exactly that where it lived; and balances say the same. */
export async function checkBills({ lab, sessions, credited, fail }: Played): Promise<void> {
  const billed = new Map((await lab.readSessions()).map((session) => [session.id, session]));
  const due = new Map<string, number>();
  for (const { id, user, process, traffic } of sessions) {
    const session = billed.get(id);
    const bytes = session?.bytes ?? 0;
    const { releasedBytes, countedBytes } = traffic;
    if (bytes < releasedBytes) fail(`${id} released ${releasedBytes} bytes, billed are ${bytes}`);
    if (bytes > countedBytes || (!process.isDead && bytes < countedBytes)) fail(`${id} counted ${countedBytes} bytes, billed are ${bytes}`);
    if (session?.isClosed === false) fail(`${id} is still open in the ledger`);
    due.set(user.client.clientId, (due.get(user.client.clientId) ?? 0) + bytes);
  }
  for (const [clientId, { posted }] of await lab.readBalances()) {
    const expected = (credited.get(clientId) ?? 0) - (due.get(clientId) ?? 0);
    if (posted !== expected) fail(`${clientId} has ${posted} bytes instead of ${expected}`);
  }
}

/** What a run's grant says was carried is what it has carried. */
export async function checkGrants({ lab, people, seats, sessions, fail }: Played): Promise<void> {
  for (const { gatewayId, name, process } of seats) {
    for (const { proxyUserId } of process === null ? [] : people) {
      const used = await lab.readUsed(proxyUserId, gatewayId, process?.identity.epoch ?? 0n);
      const own = sessions.filter((session) => session.process === process && session.user.proxyUserId === proxyUserId);
      const carried = own.reduce((sum, { traffic }) => sum + traffic.countedBytes, 0);
      if (used !== null && used !== carried) fail(`${name} carried ${carried} bytes for ${proxyUserId}, its grant says ${used}`);
    }
  }
}

/** Nothing is kept back from anybody for ever. */
export async function checkReservations({ lab, fail }: Played): Promise<void> {
  for (const [clientId, { reserved }] of await lab.readBalances())
    if (reserved !== 0) fail(`${clientId} has ${reserved} bytes reserved for ever`);
}
