/**
 * Named sessions: which exit a client's session name stands for, and until when.
 *
 * An entry ends with its time to live, counted from its first connection, or when nothing has used it for its idle time.
 * Entries live in this process only: after a restart a soft session gets a new exit.
 *
 * Limits: 200,000 names; then the one unused longest makes room. Expired names are swept 1,000 at a time.
 */
export interface StickySession {
  readonly key: string;
  nodeId: string;
  exitAddress: string;
  readonly expiresAtMs: number;
  readonly idleMs: number;
  usedAtMs: number;
  connectionsOpen: number;
  /** Whether a connection ever opened over the exit: before that the client does not know it. */
  hasServed: boolean;
  /** Group whose members never share an exit address. */
  readonly uniqKey: string | null;
}

export interface StickySessions {
  /** The entry, or null. It may be over: then it tells only which exit the next one should not be. */
  find(key: string): StickySession | null;
  isOver(session: StickySession): boolean;
  set(session: StickySession): void;
  drop(session: StickySession): void;
  /** Exit addresses that a group holds now, apart from the session `exceptKey`. */
  addressesOf(uniqKey: string, exceptKey: string): ReadonlySet<string>;
  sweep(): void;
  readonly size: number;
}

const namesMax = 200_000;
const sweepMax = 1_000;

export function createStickySessions(nowMs: () => number): StickySessions {
  const sessions = new Map<string, StickySession>();
  const groups = new Map<string, Set<StickySession>>();

  function forget(session: StickySession): void {
    sessions.delete(session.key);
    if (session.uniqKey === null) return;
    const group = groups.get(session.uniqKey);
    group?.delete(session);
    if (group?.size === 0) groups.delete(session.uniqKey);
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
      if (session.uniqKey !== null) {
        const group = groups.get(session.uniqKey) ?? new Set();
        group.add(session);
        groups.set(session.uniqKey, group);
      }
      if (sessions.size <= namesMax) return;
      for (const oldest of sessions.values()) {
        forget(oldest);
        return;
      }
    },
    addressesOf(uniqKey, exceptKey) {
      const atMs = nowMs();
      const held = new Set<string>();
      for (const session of groups.get(uniqKey) ?? []) {
        if (session.key !== exceptKey && !isOver(session, atMs)) held.add(session.exitAddress);
      }
      return held;
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
