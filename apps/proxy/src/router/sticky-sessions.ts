/**
 * Named sessions: which exit a client's session name stands for, and until when.
 *
 * An entry ends with its time to live, counted from its first connection, or when nothing has used it for its idle time.
 * Where several gateway processes serve together the leader writes this book and the others hold copies (siblings/).
 *
 * Limits: 20,000 names of one proxy user; then its own soft name that is idle longest makes room, and a user whose names
 * are all hard or in use gets no more. 200,000 names of all; then whoever holds the most makes room. So nobody's flood takes
 * another's session. Names that are over are swept 20,000 at a time. A copy is as large as the book that it follows.
 */
import { createGroupAddresses } from "./group-addresses.ts";

export interface StickySession {
  /** Tells it from earlier and later ones of the same key, in all gateway processes of this machine. */
  readonly id: string;
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

export interface NewSession extends Pick<
  StickySession,
  "key" | "proxyUserId" | "nodeId" | "exitAddress" | "idleMs" | "isHard" | "uniqKey"
> {
  readonly ttlMs: number;
}

type Place = Pick<StickySession, "nodeId" | "exitAddress" | "uniqKey">;

/** What a connection of a session tells of itself. */
export interface NameUse {
  opened(session: StickySession): void;
  closed(session: StickySession, bytes: number): void;
  /** Nobody needs the session any more. */
  drop(session: StickySession): void;
}

export interface StickySessions extends NameUse {
  /** The entry, or null. It may be over: then it tells only which exit the next one should not be. */
  find(key: string): StickySession | null;
  /** Also one that is forgotten but still open. */
  findById(id: string): StickySession | null;
  /** Whether it is the entry of its name now. */
  has(session: StickySession): boolean;
  isOver(session: StickySession): boolean;
  /** Null when its proxy user has too many names, none of which may be forgotten. */
  begin(facts: NewSession): StickySession | null;
  harden(session: StickySession): void;
  /** The session has another exit or group from now on. */
  move(session: StickySession, to: Place): void;
  lose(session: StickySession): void;
  /** Takes an entry as another process wrote it. The one that is here already is changed and stays the same object. */
  adopt(session: StickySession): StickySession;
  /** No connection is open any more, as far as is known; the idle times begin anew. */
  closeAll(): void;
  /** Whether a live session of the group, another than `exceptKey`, holds the address now. */
  isHeld(uniqKey: string, exceptKey: string, exitAddress: string): boolean;
  sweep(): void;
  /** Hears of every entry that is new, other than before, or forgotten. One listener; `adopt` and `closeAll` are not told. */
  watch(listener: (session: StickySession) => void): void;
  /** The entries of all names. */
  list(): Iterable<StickySession>;
  readonly size: number;
}

export interface StickySessionsOptions {
  readonly nowMs: () => number;
  /** Number of the process that writes; ids of two processes never meet. */
  readonly writer?: number;
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

export function createStickySessions(options: StickySessionsOptions): StickySessions {
  return new NamedSessions(options);
}

class NamedSessions implements StickySessions {
  readonly #nowMs: () => number;
  readonly #writer: number;
  readonly #sessions = new Map<string, StickySession>();
  readonly #byId = new Map<string, StickySession>();
  readonly #users = new Map<string, UserNames>();
  readonly #groups = createGroupAddresses<StickySession>();
  #toSweep = this.#sessions.values();
  #changed: (session: StickySession) => void = () => undefined;
  #lastId = 0;

  constructor({ nowMs, writer }: StickySessionsOptions) {
    this.#nowMs = nowMs;
    this.#writer = writer ?? 0;
  }

  get size(): number {
    return this.#sessions.size;
  }

  list(): Iterable<StickySession> {
    return this.#sessions.values();
  }

  watch(listener: (session: StickySession) => void): void {
    this.#changed = listener;
  }

  find(key: string): StickySession | null {
    return this.#sessions.get(key) ?? null;
  }

  findById(id: string): StickySession | null {
    return this.#byId.get(id) ?? null;
  }

  has(session: StickySession): boolean {
    return this.#sessions.get(session.key) === session;
  }

  isOver(session: StickySession): boolean {
    const nowMs = this.#nowMs();
    if (nowMs >= session.expiresAtMs) return true;
    return session.connectionsOpen === 0 && nowMs - session.usedAtMs >= session.idleMs;
  }

  begin({ ttlMs, ...facts }: NewSession): StickySession | null {
    const older = this.#sessions.get(facts.key);
    if (older !== undefined) this.#forget(older);
    if (!this.#makeRoomFor(facts.proxyUserId)) return null;
    this.#lastId += 1;
    const nowMs = this.#nowMs();
    const session: StickySession = {
      id: `${this.#writer}-${this.#lastId}`,
      ...facts,
      expiresAtMs: nowMs + ttlMs,
      usedAtMs: nowMs,
      connectionsOpen: 0,
      carriedBytes: 0,
      hasServed: false,
      isLost: false,
    };
    this.#enter(session);
    this.#changed(session);
    return session;
  }

  harden(session: StickySession): void {
    if (session.isHard) return;
    session.isHard = true;
    this.#rank(session);
    this.#changed(session);
  }

  opened(session: StickySession): void {
    session.connectionsOpen += 1;
    session.hasServed = true;
    this.#rank(session);
    this.#changed(session);
  }

  closed(session: StickySession, bytes: number): void {
    session.connectionsOpen -= 1;
    session.carriedBytes += bytes;
    session.usedAtMs = this.#nowMs();
    this.#settle(session);
    this.#changed(session);
  }

  drop(session: StickySession): void {
    if (this.has(session)) this.#forget(session);
  }

  move(session: StickySession, to: Place): void {
    this.#place(session, to);
    this.#changed(session);
  }

  lose(session: StickySession): void {
    session.isLost = true;
    this.#changed(session);
  }

  adopt(told: StickySession): StickySession {
    const known = this.#byId.get(told.id);
    if (known === undefined) {
      const older = this.#sessions.get(told.key);
      if (older !== undefined) this.#forget(older);
      this.#enter(told);
      return told;
    }
    this.#place(known, told);
    const { usedAtMs, connectionsOpen, carriedBytes, hasServed, isHard, isLost } = told;
    Object.assign(known, { usedAtMs, connectionsOpen, carriedBytes, hasServed, isHard, isLost });
    this.#settle(known);
    return known;
  }

  closeAll(): void {
    const nowMs = this.#nowMs();
    for (const session of Array.from(this.#byId.values())) {
      if (session.connectionsOpen === 0) continue;
      session.connectionsOpen = 0;
      session.usedAtMs = nowMs;
      this.#settle(session);
    }
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

  #enter(session: StickySession): void {
    this.#sessions.set(session.key, session);
    this.#byId.set(session.id, session);
    const names = this.#users.get(session.proxyUserId) ?? { all: new Set(), idle: new Set() };
    this.#users.set(session.proxyUserId, names);
    names.all.add(session);
    this.#rank(session);
    this.#groups.hold(session);
  }

  #place(session: StickySession, { nodeId, exitAddress, uniqKey }: Place): void {
    this.#groups.release(session);
    session.nodeId = nodeId;
    session.exitAddress = exitAddress;
    session.uniqKey = uniqKey;
    // A forgotten session holds nothing any more.
    if (this.has(session)) this.#groups.hold(session);
  }

  /** The last place among those that may make room, or none. */
  #rank(session: StickySession): void {
    const idle = this.#users.get(session.proxyUserId)?.idle;
    idle?.delete(session);
    if (session.connectionsOpen === 0 && !session.isHard && this.has(session)) idle?.add(session);
  }

  /** What is still open keeps its address, also when its name stands for another session by now. */
  #settle(session: StickySession): void {
    this.#rank(session);
    if (session.connectionsOpen > 0 || this.has(session)) return;
    this.#groups.release(session);
    this.#byId.delete(session.id);
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

  #forget(session: StickySession): void {
    this.#sessions.delete(session.key);
    this.#settle(session);
    const names = this.#users.get(session.proxyUserId);
    names?.all.delete(session);
    if (names?.all.size === 0) this.#users.delete(session.proxyUserId);
    this.#changed(session);
  }
}

function fullestOf(users: Iterable<UserNames>): UserNames {
  let fullest: UserNames = { all: new Set(), idle: new Set() };
  for (const names of users) if (names.all.size > fullest.all.size) fullest = names;
  return fullest;
}
