/**
 * Named sessions and uniq groups of all gateway processes as one: the leader decides, everybody else asks it.
 *
 * In the process that leads, and in one that is alone, an answer is a call. Everywhere else it is a letter and its
 * answer; a leader that dies or retires meanwhile is not waited for, its successor is asked. Without an answer the client
 * is refused: a hard session never gets another exit because somebody did not answer.
 *
 * Limits: 2 s an answer, 3 letters a question, 10,000 questions under way; 10,000 that wait until this process is ready.
 */
import { type Refusal, refuse, type RoutableNode } from "@karvon/domain";
import type { ExitQuestion, Router } from "../router/choose-exit.ts";
import type { ExitAnswer, Exits } from "../router/exits.ts";
import type { NameUse, StickySession, StickySessions } from "../router/sticky-sessions.ts";
import { NameBook } from "./name-book.ts";
import { type Held, type NameAnswer, type NameLetter, type NameQuestion, namesPerLetterMax, type Use } from "./name-letters.ts";
import type { Membership } from "./membership.ts";

export interface NameDeskOptions<N extends RoutableNode> {
  readonly membership: Membership;
  readonly sticky: StickySessions;
  /** Over the nodes of all processes. */
  readonly router: Pick<Router<N>, "choose">;
  readonly findNode: (nodeId: string) => N | null;
  /** The leader has told its whole book. */
  readonly onWhole: (from: number) => void;
}

const answerTimeoutMs = 2_000;
const lettersMax = 3;
const pendingMax = 10_000;
const waitingMax = 10_000;

interface Pending {
  readonly leaderId: number;
  /** Null: no answer came, or none that helps. */
  readonly resolve: (answer: NameAnswer | null) => void;
}

export class NameDesk<N extends RoutableNode> implements NameUse, Pick<Exits<N>, "choose"> {
  readonly #options: NameDeskOptions<N>;
  readonly #book: NameBook;
  #leaderId: number;
  #lastNumber = 0;
  readonly #pending = new Map<number, Pending>();
  /** What this process's own connections have open: a new leader is told. */
  readonly #held = new Map<StickySession, number>();
  #uses: Use[] = [];
  /** Questions of others before this process knows all nodes; null from then on. */
  #waiting: (() => void)[] | null = [];

  constructor(options: NameDeskOptions<N>) {
    const { membership, sticky } = options;
    this.#options = options;
    this.#leaderId = membership.leaderId;
    this.#book = new NameBook({
      sticky,
      isLeading: () => this.#isLeading,
      hasSiblings: () => membership.others.size > 0,
      broadcast: (letter) => membership.broadcast(letter),
    });
    sticky.watch((session) => this.#book.note(session));
  }

  get #isLeading(): boolean {
    return this.#leaderId === this.#options.membership.id;
  }

  choose(question: ExitQuestion<N>): ExitAnswer<N> | Promise<ExitAnswer<N>> {
    return this.#isLeading ? this.#options.router.choose(question) : this.#ask(question);
  }

  opened(session: StickySession): void {
    this.#held.set(session, (this.#held.get(session) ?? 0) + 1);
    if (this.#isLeading) this.#options.sticky.opened(session);
    else this.#use([session.id, "opened", 0]);
  }

  closed(session: StickySession, bytes: number): void {
    const count = this.#held.get(session) ?? 0;
    if (count <= 1) this.#held.delete(session);
    else this.#held.set(session, count - 1);
    if (this.#isLeading) this.#options.sticky.closed(session, bytes);
    else this.#use([session.id, "closed", bytes]);
  }

  drop(session: StickySession): void {
    if (this.#isLeading) this.#options.sticky.drop(session);
    else this.#use([session.id, "dropped", 0]);
  }

  /** This process knows all nodes: it may answer. */
  begin(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const answer of waiting) answer();
  }

  /** Somebody came: a leader tells it the book. */
  meet(id: number): void {
    const { membership } = this.#options;
    if (!this.#isLeading) return;
    this.#book.describe(
      (letter) => membership.send(id, letter),
      () => this.#isLeading && membership.others.has(id),
    );
  }

  left(id: number): void {
    if (this.#isLeading) this.#book.left(id);
    this.reconsider();
  }

  /** Everything that is not told yet is on its way before whatever this process says next. */
  flush(): void {
    if (this.#isLeading) this.#book.tell();
    else this.#sendUses();
  }

  /** Who leads may have changed. */
  reconsider(): void {
    const { membership } = this.#options;
    if (membership.leaderId === this.#leaderId) return;
    this.#leaderId = membership.leaderId;
    this.#uses = [];
    if (this.#isLeading) this.#lead();
    else this.#tellHeld();
    for (const { leaderId, resolve } of Array.from(this.#pending.values())) if (leaderId !== this.#leaderId) resolve(null);
  }

  onLetter(from: number, letter: NameLetter): void {
    switch (letter.kind) {
      case "ask":
        return this.#onAsk(from, letter.number, letter.question);
      case "answer": {
        const pending = this.#pending.get(letter.number);
        return pending?.leaderId === from ? pending.resolve(letter.answer) : undefined;
      }
      case "uses":
        return this.#isLeading ? this.#book.use(from, letter.uses) : undefined;
      case "held":
        return this.#isLeading ? this.#book.hold(from, letter.held) : undefined;
      case "names":
        return this.#isLeading ? undefined : this.#copy(from, letter);
    }
  }

  close(): void {
    this.#book.close();
    for (const { resolve } of Array.from(this.#pending.values())) resolve(null);
  }

  // Asking

  async #ask(question: ExitQuestion<N>): Promise<ExitAnswer<N>> {
    const { router, sticky, findNode } = this.#options;
    for (let letters = 0; letters < lettersMax; letters += 1) {
      if (this.#isLeading) return router.choose(question);
      const answer = await this.#send(question);
      if (answer === null || answer.kind === "elsewhere") continue;
      if (answer.kind === "refused") return refuse(answer.code, answer.detail);
      const session = sticky.adopt(answer.name);
      const node = findNode(session.nodeId);
      // A node that went away after the answer was given: the leader hears of it before it is asked again.
      if (node !== null) return { kind: "exit", node, sticky: session, isChanged: answer.isChanged };
    }
    return noAnswer;
  }

  #send({ tried, ...question }: ExitQuestion<N>): Promise<NameAnswer | null> {
    if (this.#pending.size >= pendingMax) return Promise.resolve(null);
    this.#sendUses();
    const number = (this.#lastNumber += 1);
    const leaderId = this.#leaderId;
    return new Promise((resolve) => {
      const settle = (answer: NameAnswer | null): void => {
        clearTimeout(timer);
        this.#pending.delete(number);
        resolve(answer);
      };
      const timer = setTimeout(() => settle(null), answerTimeoutMs);
      this.#pending.set(number, { leaderId, resolve: settle });
      const triedIds = Array.from(tried, (node) => node.nodeId);
      this.#options.membership.send(leaderId, { kind: "ask", number, question: { ...question, triedIds } });
    });
  }

  /** One letter for everything that happens in a turn. */
  #use(use: Use): void {
    this.#uses.push(use);
    if (this.#uses.length === 1) setImmediate(() => this.#sendUses());
    if (this.#uses.length >= namesPerLetterMax) this.#sendUses();
  }

  #sendUses(): void {
    if (this.#uses.length === 0 || this.#isLeading) return;
    this.#options.membership.send(this.#leaderId, { kind: "uses", uses: this.#uses });
    this.#uses = [];
  }

  #tellHeld(): void {
    const held: Held[] = Array.from(this.#held);
    for (let at = 0; at < held.length; at += namesPerLetterMax) {
      this.#options.membership.send(this.#leaderId, { kind: "held", held: held.slice(at, at + namesPerLetterMax) });
    }
  }

  #copy(from: number, { names, dropped, isWhole }: Extract<NameLetter, { kind: "names" }>): void {
    const { sticky, onWhole } = this.#options;
    for (const id of dropped) {
      const session = sticky.findById(id);
      if (session !== null) sticky.drop(session);
    }
    for (const name of names) sticky.adopt(name);
    if (isWhole) onWhole(from);
  }

  // Leading

  #lead(): void {
    const { sticky, membership } = this.#options;
    this.#book.begin();
    for (const [session, count] of this.#held) for (let left = count; left > 0; left -= 1) sticky.opened(session);
    // Whoever is still starting may have got a part of the book only.
    for (const member of membership.others.values()) if (!member.isServing) this.meet(member.id);
  }

  #onAsk(from: number, number: number, question: NameQuestion): void {
    const { membership } = this.#options;
    if (!this.#isLeading) return membership.send(from, { kind: "answer", number, answer: { kind: "elsewhere" } });
    if (this.#waiting === null) return this.#answer(from, number, question);
    if (this.#waiting.length < waitingMax) this.#waiting.push(() => this.#onAsk(from, number, question));
    return undefined;
  }

  #answer(from: number, number: number, { triedIds, ...question }: NameQuestion): void {
    const { membership, router, findNode } = this.#options;
    const tried = new Set(triedIds.map(findNode).filter((node) => node !== null));
    const outcome = router.choose({ ...question, tried });
    this.#book.tell();
    membership.send(from, { kind: "answer", number, answer: answerOf(outcome) });
  }
}

function answerOf(outcome: ExitAnswer<RoutableNode>): NameAnswer {
  if (outcome.kind === "refused") return outcome;
  const { sticky, isChanged } = outcome;
  return sticky === null ? { kind: "elsewhere" } : { kind: "exit", name: sticky, isChanged };
}

const noAnswer: Refusal = refuse("overloaded", "the gateway process that keeps named sessions does not answer");
