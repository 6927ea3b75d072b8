/**
 * This process's half of the switchboard: who the siblings are, who leads, and letters to and from them.
 *
 * What comes before `listen` is kept and handed over in order. Letters that cannot be read are counted and dropped.
 *
 * Limits: 10 s for the launcher's welcome, 10,000 events before `listen`.
 */
import { leaderOf, type MemberFacts, readToMember, type ToMember, type Welcome } from "@karvon/switchboard";
import { type Letter, readLetter } from "./letters.ts";

/** The channel to the launcher. */
export interface ParentPort {
  post(frame: unknown): void;
  onMessage(listener: (value: unknown, handle: unknown) => void): void;
}

export interface MemberListener {
  onLetter(from: number, letter: Letter): void;
  /** Somebody came, or its standing changed. */
  onMember(member: MemberFacts): void;
  onLeft(id: number): void;
  /** The launcher asks this process to leave in order. */
  onRetire(): void;
}

export interface Membership {
  readonly id: number;
  readonly welcome: Welcome;
  /** Everybody but this process. */
  readonly others: ReadonlyMap<number, MemberFacts>;
  readonly leaderId: number;
  readonly isLeader: boolean;
  send(to: number, letter: Letter): void;
  broadcast(letter: Letter): void;
  /** Tells the others that this process serves, or leaves. */
  declare(standing: "serving" | "retiring"): void;
  listen(listener: MemberListener): void;
}

const welcomeTimeoutMs = 10_000;
const earlyMax = 10_000;

/** Says hello and waits for the welcome. */
export function joinSiblings(port: ParentPort): Promise<Membership> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the launcher gave no seat in time")), welcomeTimeoutMs);
    let member: Member | null = null;
    port.onMessage((value) => {
      const frame = readToMember(value);
      if (frame === null) return;
      if (member !== null) member.take(frame);
      if (member !== null || frame.switchboard !== "welcome") return;
      clearTimeout(timer);
      member = new Member(port, frame);
      resolve(member);
    });
    port.post({ switchboard: "hello" });
  });
}

class Member implements Membership {
  readonly id: number;
  readonly welcome: Welcome;
  readonly others = new Map<number, MemberFacts>();
  readonly #port: ParentPort;
  #self: MemberFacts;
  #listener: MemberListener | null = null;
  #early: ToMember[] = [];

  constructor(port: ParentPort, welcome: Welcome) {
    this.#port = port;
    this.id = welcome.id;
    this.welcome = welcome;
    this.#self = { id: welcome.id, isServing: false, isRetiring: false };
    for (const member of welcome.members) if (member.id !== this.id) this.others.set(member.id, member);
  }

  get leaderId(): number {
    return leaderOf([this.#self, ...this.others.values()]) ?? this.id;
  }

  get isLeader(): boolean {
    return this.leaderId === this.id;
  }

  send(to: number, letter: Letter): void {
    this.#port.post({ switchboard: "letter", to, body: letter });
  }

  broadcast(letter: Letter): void {
    if (this.others.size > 0) this.#port.post({ switchboard: "letter", to: null, body: letter });
  }

  declare(standing: "serving" | "retiring"): void {
    this.#self = { ...this.#self, ...(standing === "serving" ? { isServing: true } : { isRetiring: true }) };
    this.#port.post({ switchboard: standing });
  }

  listen(listener: MemberListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const frame of early) this.take(frame);
  }

  take(frame: ToMember): void {
    if (this.#listener === null) {
      if (this.#early.length < earlyMax) this.#early.push(frame);
      return;
    }
    this.#handle(frame, this.#listener);
  }

  #handle(frame: ToMember, listener: MemberListener): void {
    switch (frame.switchboard) {
      case "member":
        if (frame.member.id === this.id) return;
        this.others.set(frame.member.id, frame.member);
        return listener.onMember(frame.member);
      case "left":
        if (this.others.delete(frame.id)) listener.onLeft(frame.id);
        return undefined;
      case "letter": {
        const letter = readLetter(frame.body);
        return letter === null ? undefined : listener.onLetter(frame.from, letter);
      }
      case "retire":
        return listener.onRetire();
      case "welcome":
        return undefined;
    }
  }
}
