/**
 * The launcher's half: knows which gateway processes live, gives each a seat, and passes letters between them unread.
 *
 * It keeps the order of letters between any two processes. A process that does not read what it is sent is given up,
 * because the others' picture of it would be wrong for ever; the caller ends it, and it starts again with a fresh one.
 *
 * Limits: `unreadMax` frames on their way to one process.
 */
import { type FromMember, type MemberFacts, readFromMember, type ToMember } from "./frames.ts";

export interface SeatOptions {
  readonly opsPort: number | null;
  /** Sends; `done` is called when the channel has taken the frame or lost it. `handle` is whatever came with a letter. */
  readonly post: (frame: ToMember, handle: unknown, done: () => void) => void;
  /** The process reads nothing any more. Called once. */
  readonly onStuck: () => void;
}

export interface Seat {
  readonly id: number;
  /** Whatever came over the process's channel. Frames of others are ignored. */
  receive(value: unknown, handle: unknown): void;
  /** Asks the process to leave in order. */
  retire(): void;
  /** The process is gone. Safe to call twice. */
  leave(): void;
}

export interface Switchboard {
  join(options: SeatOptions): Seat;
}

export interface SwitchboardOptions {
  readonly linkFolder: string;
  readonly linkSecret: string;
  /** 20,000 when left out. */
  readonly unreadMax?: number;
}

export function createSwitchboard(options: SwitchboardOptions): Switchboard {
  return new Board(options);
}

class Board implements Switchboard {
  readonly options: SwitchboardOptions;
  readonly members = new Map<number, Member>();
  #lastId = 0;

  constructor(options: SwitchboardOptions) {
    this.options = options;
  }

  join(options: SeatOptions): Seat {
    this.#lastId += 1;
    const taken = new Set([...this.members.values()].map((member) => member.seat));
    let seat = 0;
    while (taken.has(seat)) seat += 1;
    const member = new Member(this, this.#lastId, seat, options);
    this.members.set(member.id, member);
    return member;
  }

  /** Everybody but one. */
  tell(but: Member, frame: ToMember, handle?: unknown): void {
    for (const member of this.members.values()) if (member !== but) member.post(frame, handle);
  }
}

class Member implements Seat {
  readonly id: number;
  readonly seat: number;
  facts: MemberFacts;
  readonly #board: Board;
  readonly #options: SeatOptions;
  #unread = 0;
  #isWelcome = false;
  #isStuck = false;

  constructor(board: Board, id: number, seat: number, options: SeatOptions) {
    this.#board = board;
    this.id = id;
    this.seat = seat;
    this.#options = options;
    this.facts = { id, isServing: false, isRetiring: false };
  }

  receive(value: unknown, handle: unknown): void {
    const frame = readFromMember(value);
    if (frame === null || !this.#board.members.has(this.id)) return;
    if (frame.switchboard === "letter") this.#passOn(frame, handle);
    else if (frame.switchboard === "hello") this.#welcome();
    else this.#change(frame.switchboard === "serving" ? { isServing: true } : { isRetiring: true });
  }

  retire(): void {
    this.post({ switchboard: "retire" });
  }

  leave(): void {
    if (!this.#board.members.delete(this.id) || !this.#isWelcome) return;
    this.#board.tell(this, { switchboard: "left", id: this.id });
  }

  post(frame: ToMember, handle?: unknown): void {
    if (!this.#isWelcome || this.#isStuck) return;
    if (this.#unread >= (this.#board.options.unreadMax ?? defaultUnreadMax)) {
      this.#isStuck = true;
      this.#options.onStuck();
      return;
    }
    this.#unread += 1;
    this.#options.post(frame, handle, () => {
      this.#unread -= 1;
    });
  }

  /** From here on the others know of it and it of them, so that no letter goes to somebody who cannot read yet. */
  #welcome(): void {
    if (this.#isWelcome) return;
    this.#isWelcome = true;
    const { linkFolder, linkSecret } = this.#board.options;
    const members = [...this.#board.members.values()].filter((member) => member.#isWelcome).map((member) => member.facts);
    this.#board.tell(this, { switchboard: "member", member: this.facts });
    this.post({ switchboard: "welcome", id: this.id, seat: this.seat, opsPort: this.#options.opsPort, linkFolder, linkSecret, members });
  }

  #passOn(frame: Extract<FromMember, { switchboard: "letter" }>, handle: unknown): void {
    const letter: ToMember = { switchboard: "letter", from: this.id, body: frame.body };
    if (frame.to === null) this.#board.tell(this, letter);
    else this.#board.members.get(frame.to)?.post(letter, handle);
  }

  #change(change: Partial<MemberFacts>): void {
    this.facts = { ...this.facts, ...change };
    this.#board.tell(this, { switchboard: "member", member: this.facts });
  }
}

const defaultUnreadMax = 20_000;
