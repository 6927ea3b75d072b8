/**
 * Tells the siblings what this process has open and began under the limits that they keep together, every 100 ms.
 *
 * Limits: letters of 1,000 keys; nothing is sent while there are no siblings or no news.
 */
import type { CountNews, SharedCounts } from "../session/shared-count.ts";
import { type CountKind, countKinds, countsPerLetterMax, type CountLetter } from "./count-letters.ts";

export interface CountDeskOptions {
  readonly counts: SharedCounts;
  readonly broadcast: (letter: CountLetter) => void;
}

const countsEveryMs = 100;

export class CountDesk {
  readonly #options: CountDeskOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: CountDeskOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tell(), countsEveryMs);
    this.#timer.unref();
  }

  meet(send: (letter: CountLetter) => void): void {
    const { counts } = this.#options;
    for (const kind of countKinds) {
      counts[kind].isShared = true;
      for (const letter of lettersOf(kind, counts[kind].describe())) send(letter);
    }
  }

  left(from: number, hasSiblings: boolean): void {
    const { counts } = this.#options;
    for (const kind of countKinds) {
      counts[kind].left(from);
      counts[kind].isShared = hasSiblings;
    }
  }

  onLetter(from: number, { of, open, began }: CountLetter): void {
    this.#options.counts[of].told(from, { open, began });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const { counts, broadcast } = this.#options;
    for (const kind of countKinds) for (const letter of lettersOf(kind, counts[kind].takeNews())) broadcast(letter);
  }
}

function* lettersOf(of: CountKind, { open, began }: CountNews): Generator<CountLetter> {
  for (let at = 0; at < Math.max(open.length, began.length); at += countsPerLetterMax) {
    const until = at + countsPerLetterMax;
    yield { kind: "counts", of, open: open.slice(at, until), began: began.slice(at, until) };
  }
}
