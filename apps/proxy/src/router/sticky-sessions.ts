/**
 * Named sessions: which exit a client's session name stands for, and until when.
 *
 * An entry ends with its time to live, counted from its first connection, or when nothing has used it for its idle time.
 * Entries live in this process only: after a restart a soft session gets a new exit.
 *
 * Limits: 200,000 names; then the one unused longest makes room. Expired names are swept 1,000 at a time.
 */
import { createGroupAddresses } from "./group-addresses.ts";

export interface StickySession {
  readonly key: string;
  nodeId: string;
  exitAddress: string;
  readonly expiresAtMs: number;
  readonly idleMs: number;
  usedAtMs: number;
  connectionsOpen: number;
  /** By connections that have ended. */
  carriedBytes: number;
  /** Whether a connection ever opened over the exit: before that the client does not know it. */
  hasServed: boolean;
  /** A hard session whose exit is gone: it stays lost even if the node comes back. */
  isLost: boolean;
  /** Group whose members never share an exit address. */
  uniqKey: string | null;
}

export interface StickySessions {
  /** The entry, or null. It may be over: then it tells only which exit the next one should not be. */
  find(key: string): StickySession | null;
  isOver(session: StickySession): boolean;
  set(session: StickySession): void;
  drop(session: StickySession): void;
  /** A connection of the session opened, and ended. */
  opened(session: StickySession): void;
  closed(session: StickySession): void;
  /** The session has another exit or group from now on. */
  move(session: StickySession, to: Pick<StickySession, "nodeId" | "exitAddress" | "uniqKey">): void;
  /** Whether a live session of the group, another than `exceptKey`, holds the address now. */
  isHeld(uniqKey: string, exceptKey: string, exitAddress: string): boolean;
  sweep(): void;
  readonly size: number;
}

const namesMax = 200_000;
const sweepMax = 1_000;

export function createStickySessions(nowMs: () => number): StickySessions {
  const sessions = new Map<string, StickySession>();
  const groups = createGroupAddresses<StickySession>();

  /** What is still open keeps its address: `closed` lets go of it. */
  function forget(session: StickySession): void {
    sessions.delete(session.key);
    if (session.connectionsOpen === 0) groups.release(session);
  }

  function isOver(session: StickySession, atMs: number): boolean {
    if (atMs >= session.expiresAtMs) return true;
    return session.connectionsOpen === 0 && atMs - session.usedAtMs >= session.idleMs;
  }

  return {
    find(key) {
      const session = sessions.get(key);
      if (session === undefined) return null;
      // The map's order is the order of use.
      sessions.delete(key);
      sessions.set(key, session);
      return session;
    },
    isOver: (session) => isOver(session, nowMs()),
    drop(session) {
      if (sessions.get(session.key) === session) forget(session);
    },
    set(session) {
      const older = sessions.get(session.key);
      if (older !== undefined) forget(older);
      sessions.set(session.key, session);
      groups.hold(session);
      if (sessions.size <= namesMax) return;
      for (const oldest of sessions.values()) {
        forget(oldest);
        return;
      }
    },
    opened(session) {
      session.connectionsOpen += 1;
      session.hasServed = true;
    },
    closed(session) {
      session.connectionsOpen -= 1;
      session.usedAtMs = nowMs();
      if (session.connectionsOpen === 0 && sessions.get(session.key) !== session) groups.release(session);
    },
    move(session, to) {
      groups.release(session);
      session.nodeId = to.nodeId;
      session.exitAddress = to.exitAddress;
      session.uniqKey = to.uniqKey;
      // A forgotten session holds nothing any more.
      if (sessions.get(session.key) === session) groups.hold(session);
    },
    isHeld(uniqKey, exceptKey, exitAddress) {
      const atMs = nowMs();
      const isLive = (session: StickySession): boolean => session.connectionsOpen > 0 || !isOver(session, atMs);
      return groups.holders(uniqKey, exitAddress).some((session) => session.key !== exceptKey && isLive(session));
    },
    sweep() {
      const atMs = nowMs();
      let seen = 0;
      for (const session of sessions.values()) {
        if (isOver(session, atMs)) forget(session);
        seen += 1;
        if (seen >= sweepMax) return;
      }
    },
    get size() {
      return sessions.size;
    },
  };
}
