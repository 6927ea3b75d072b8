/**
 * Named sessions: which exit a client's session name stands for, and until when.
 *
 * An entry ends with its time to live, counted from its first connection, or when nothing has used it for its idle time.
 * Entries live in this process only: after a restart a soft session gets a new exit.
 *
 * Limits: 20,000 names of one proxy user; then its own soft name that is idle longest makes room, and a user whose names
 * are all hard or in use gets no more. 200,000 names of all; then whoever holds the most makes room. So nobody's flood takes
 * another's session. Names that are over are swept 20,000 at a time.
 */
import { createGroupAddresses } from "./group-addresses.ts";

export interface StickySession {
  readonly key: string;
  /** Whose it is. */
  readonly proxyUserId: string;
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
  /** Asked for as hard at least once: it may not begin anew with another exit while it lives. */
  isHard: boolean;
  /** A hard session whose exit is gone: it stays lost even if the node comes back. */
  isLost: boolean;
  /** Group whose members never share an exit address. */
  uniqKey: string | null;
}

export interface StickySessions {
  /** The entry, or null. It may be over: then it tells only which exit the next one should not be. */
  find(key: string): StickySession | null;
  isOver(session: StickySession): boolean;
  /** False when its proxy user has too many names, none of which may be forgotten. */
  set(session: StickySession): boolean;
  harden(session: StickySession): void;
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
const namesPerUserMax = 20_000;
const sweepMax = 20_000;

/** The names of one proxy user. Limit: `namesPerUserMax`. */
interface UserNames {
  /** In the order in which they began. */
  readonly all: Set<StickySession>;
  /** Soft and without a connection, the one that is idle longest first. */
  readonly idle: Set<StickySession>;
}

export function createStickySessions(nowMs: () => number): StickySessions {
  return new NamedSessions(nowMs);
}

class NamedSessions implements StickySessions {
  readonly #nowMs: () => number;
  readonly #sessions = new Map<string, StickySession>();
  readonly #users = new Map<string, UserNames>();
  readonly #groups = createGroupAddresses<StickySession>();
  #toSweep = this.#sessions.values();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  find(key: string): StickySession | null {
    return this.#sessions.get(key) ?? null;
  }

  isOver(session: StickySession): boolean {
    const nowMs = this.#nowMs();
    if (nowMs >= session.expiresAtMs) return true;
    return session.connectionsOpen === 0 && nowMs - session.usedAtMs >= session.idleMs;
  }

  set(session: StickySession): boolean {
    const older = this.#sessions.get(session.key);
    if (older !== undefined) this.#forget(older);
    if (!this.#makeRoomFor(session.proxyUserId)) return false;
    this.#sessions.set(session.key, session);
    const names = this.#users.get(session.proxyUserId) ?? { all: new Set(), idle: new Set() };
    this.#users.set(session.proxyUserId, names);
    names.all.add(session);
    if (!session.isHard) names.idle.add(session);
    this.#groups.hold(session);
    return true;
  }

  harden(session: StickySession): void {
    session.isHard = true;
    this.#users.get(session.proxyUserId)?.idle.delete(session);
  }

  drop(session: StickySession): void {
    if (this.#isKnown(session)) this.#forget(session);
  }

  opened(session: StickySession): void {
    session.connectionsOpen += 1;
    session.hasServed = true;
    this.#users.get(session.proxyUserId)?.idle.delete(session);
  }

  closed(session: StickySession): void {
    session.connectionsOpen -= 1;
    session.usedAtMs = this.#nowMs();
    if (session.connectionsOpen > 0) return;
    if (!this.#isKnown(session)) this.#groups.release(session);
    else if (!session.isHard) this.#users.get(session.proxyUserId)?.idle.add(session);
  }

  move(session: StickySession, to: Pick<StickySession, "nodeId" | "exitAddress" | "uniqKey">): void {
    this.#groups.release(session);
    session.nodeId = to.nodeId;
    session.exitAddress = to.exitAddress;
    session.uniqKey = to.uniqKey;
    // A forgotten session holds nothing any more.
    if (this.#isKnown(session)) this.#groups.hold(session);
  }

  isHeld(uniqKey: string, exceptKey: string, exitAddress: string): boolean {
    const isLive = (session: StickySession): boolean => session.connectionsOpen > 0 || !this.isOver(session);
    return this.#groups.holders(uniqKey, exitAddress).some((session) => session.key !== exceptKey && isLive(session));
  }

  /** Goes on where the last sweep ended. */
  sweep(): void {
    for (let seen = 0; seen < sweepMax; seen += 1) {
      const next = this.#toSweep.next();
      if (next.done === true) {
        this.#toSweep = this.#sessions.values();
        return;
      }
      if (this.isOver(next.value)) this.#forget(next.value);
    }
  }

  #isKnown(session: StickySession): boolean {
    return this.#sessions.get(session.key) === session;
  }

  #makeRoomFor(proxyUserId: string): boolean {
    const own = this.#users.get(proxyUserId);
    if (own !== undefined && own.all.size >= namesPerUserMax) return this.#forgetFirst(own.idle);
    if (this.#sessions.size < namesMax) return true;
    const fullest = fullestOf(this.#users.values());
    return this.#forgetFirst(fullest.idle) || this.#forgetFirst(fullest.all);
  }

  /** Those with a connection stay. */
  #forgetFirst(names: ReadonlySet<StickySession>): boolean {
    for (const session of names) {
      if (session.connectionsOpen > 0) continue;
      this.#forget(session);
      return true;
    }
    return false;
  }

  /** What is still open keeps its address: `closed` lets go of it. */
  #forget(session: StickySession): void {
    this.#sessions.delete(session.key);
    const names = this.#users.get(session.proxyUserId);
    names?.all.delete(session);
    names?.idle.delete(session);
    if (names?.all.size === 0) this.#users.delete(session.proxyUserId);
    if (session.connectionsOpen === 0) this.#groups.release(session);
  }
}

function fullestOf(users: Iterable<UserNames>): UserNames {
  let fullest: UserNames = { all: new Set(), idle: new Set() };
  for (const names of users) if (names.all.size > fullest.all.size) fullest = names;
  return fullest;
}
