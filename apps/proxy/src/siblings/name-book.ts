/**
 * The leader's half of the named sessions: counts which process has how many connections open in each, and copies every
 * change of the book to the others, so that whoever leads next has it.
 *
 * A change is told within 100 ms, and always before an answer that rests on it.
 *
 * Limits: letters of 500 names; a whole book goes out one letter a turn.
 */
import type { StickySession, StickySessions } from "../router/sticky-sessions.ts";
import type { Letter } from "./letters.ts";
import { type Held, namesPerLetterMax, type Use } from "./name-letters.ts";

export interface NameBookOptions {
  readonly sticky: StickySessions;
  readonly isLeading: () => boolean;
  readonly hasSiblings: () => boolean;
  readonly broadcast: (letter: Letter) => void;
}

const tellAfterMs = 100;

export class NameBook {
  readonly #options: NameBookOptions;
  readonly #openBy = new Map<number, Map<string, number>>();
  readonly #changed = new Set<StickySession>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: NameBookOptions) {
    this.#options = options;
  }

  /** An entry is new, other than before, or forgotten. */
  note(session: StickySession): void {
    if (!this.#options.isLeading() || !this.#options.hasSiblings()) return;
    this.#changed.add(session);
    this.#timer ??= setTimeout(() => this.tell(), tellAfterMs).unref();
  }

  /** Tells what has changed. */
  tell(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { sticky, broadcast } = this.#options;
    const changed = Array.from(this.#changed);
    this.#changed.clear();
    for (let at = 0; at < changed.length; at += namesPerLetterMax) {
      const some = changed.slice(at, at + namesPerLetterMax);
      const names = some.filter((session) => sticky.has(session));
      const dropped = some.filter((session) => !sticky.has(session)).map((session) => session.id);
      broadcast({ kind: "names", names, dropped, isWhole: false });
    }
  }

  /** Everything that is here, for one who came; ends early when `isWanted` says no. */
  describe(send: (letter: Letter) => void, isWanted: () => boolean): void {
    const left = this.#options.sticky.list()[Symbol.iterator]();
    const sendSome = (): void => {
      if (!isWanted()) return;
      const names: StickySession[] = [];
      let isWhole = false;
      while (names.length < namesPerLetterMax && !isWhole) {
        const next = left.next();
        if (next.done === true) isWhole = true;
        else names.push(next.value);
      }
      send({ kind: "names", names, dropped: [], isWhole });
      if (!isWhole) setImmediate(sendSome);
    };
    sendSome();
  }

  /** Another process's connections opened and ended. */
  use(from: number, uses: readonly Use[]): void {
    const { sticky } = this.#options;
    for (const [id, kind, bytes] of uses) {
      const session = sticky.findById(id);
      if (session === null) continue;
      if (kind === "dropped") sticky.drop(session);
      else if (kind === "opened") this.#open(from, session, 1);
      else if (this.#take(from, id)) sticky.closed(session, bytes);
    }
  }

  /** This process leads from now on: what is open is told anew by everybody. */
  begin(): void {
    this.#openBy.clear();
    this.#options.sticky.closeAll();
  }

  /** What another process has open. The copy of the book that is here may miss the youngest of these. */
  hold(from: number, held: readonly Held[]): void {
    const { sticky } = this.#options;
    for (const [told, count] of held) {
      const session = sticky.findById(told.id) ?? this.#adopt(told);
      if (session !== null) this.#open(from, session, count);
    }
  }

  /** The process is gone, and its connections with it. */
  left(from: number): void {
    const { sticky } = this.#options;
    for (const [id, count] of this.#openBy.get(from) ?? []) {
      const session = sticky.findById(id);
      if (session !== null) for (let left = count; left > 0; left -= 1) sticky.closed(session, 0);
    }
    this.#openBy.delete(from);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #open(from: number, session: StickySession, count: number): void {
    const open = this.#openBy.get(from) ?? new Map<string, number>();
    this.#openBy.set(from, open.set(session.id, (open.get(session.id) ?? 0) + count));
    for (let left = count; left > 0; left -= 1) this.#options.sticky.opened(session);
  }

  #take(from: number, id: string): boolean {
    const open = this.#openBy.get(from);
    const count = open?.get(id) ?? 0;
    if (open === undefined || count === 0) return false;
    if (count === 1) open.delete(id);
    else open.set(id, count - 1);
    return true;
  }

  /** Null when its name stands for a session that was used later. */
  #adopt(told: StickySession): StickySession | null {
    const { sticky } = this.#options;
    const present = sticky.find(told.key);
    if (present !== null && present.usedAtMs >= told.usedAtMs) return null;
    const session = sticky.adopt({ ...told, connectionsOpen: 0 });
    this.note(session);
    return session;
  }
}
