/** Puts keys and values into an ask, whatever separators a dialect writes between them. Nothing is ever ignored. */
import { type Ask, emptyAsk, type Refusal, refuse } from "@karvon/domain";
import { type Key, type MutableAsk, type Problem, quoted, usernameKeys } from "./keys.ts";

export interface ReadAsk {
  readonly kind: "ask";
  readonly ask: Ask;
  /** The word `rotate` was written; without a session `ask.rotate` is true anyway. */
  readonly isRotateGiven: boolean;
}

/** The parameters of one login. Each `put` answers the first problem in words, or null. */
export class ParameterReader {
  readonly #ask: MutableAsk = { ...emptyAsk };
  readonly #given = new Set<string>();
  readonly #unoffered: ReadonlySet<string>;
  #hasRotate = false;

  /** `unoffered`: words that a vendor knows and we do not serve. They end a wide value and are refused by name. */
  constructor(unoffered: ReadonlySet<string> = noWords) {
    this.#unoffered = unoffered;
  }

  /** `country us city new york`: keys and values side by side, split at the dialect's separator `-`. */
  putTokens(tokens: readonly string[]): Problem {
    let at = 0;
    while (at < tokens.length) {
      const word = tokens[at] ?? "";
      if (isFlag(word)) {
        const problem = this.#putRotate();
        if (problem !== null) return problem;
        at += 1;
        continue;
      }
      const lower = word.toLowerCase();
      const key = usernameKeys.get(lower);
      const end = key?.isWide === true ? this.#endOfWideValue(tokens, at + 2) : at + 2;
      const value = end === at + 2 ? (tokens[at + 1] ?? "") : tokens.slice(at + 1, end).join("-");
      const problem = this.#putPair(word, lower, key, value);
      if (problem !== null) return problem;
      at = end;
    }
    return null;
  }

  /** One `key<separator>value`, or the flag alone. */
  putSegment(segment: string, separator: string): Problem {
    if (isFlag(segment)) return this.#putRotate();
    const at = segment.indexOf(separator);
    const word = at < 0 ? segment : segment.slice(0, at);
    const lower = word.toLowerCase();
    return this.#putPair(word, lower, usernameKeys.get(lower), at < 0 ? "" : segment.slice(at + 1));
  }

  finish(problem: Problem): ReadAsk | Refusal {
    const ask = this.#ask;
    ask.rotate = this.#hasRotate || ask.session === null;
    const wrong = problem ?? findContradiction(ask);
    return wrong === null ? { kind: "ask", ask, isRotateGiven: this.#hasRotate } : refuse("bad_username", wrong);
  }

  #putPair(word: string, lower: string, key: Key | undefined, value: string): Problem {
    if (key === undefined) {
      if (word === "") return "a key is empty";
      return this.#unoffered.has(lower) ? `key ${quoted(word)} is not offered here` : `unknown key ${quoted(word)}`;
    }
    if (this.#given.has(key.name)) return `${quoted(word)} is given twice`;
    this.#given.add(key.name);
    return value === "" ? `the value of ${quoted(word)} is empty` : key.put(this.#ask, value);
  }

  #putRotate(): Problem {
    if (this.#hasRotate) return "rotate is given twice";
    this.#hasRotate = true;
    return null;
  }

  /** At least one token belongs to a value, even one that looks like a key; then it runs to the next known word. */
  #endOfWideValue(tokens: readonly string[], from: number): number {
    let end = from;
    while (end < tokens.length && !this.#isKnownWord(tokens[end] ?? "")) end += 1;
    return end;
  }

  #isKnownWord(word: string): boolean {
    const lower = word.toLowerCase();
    return usernameKeys.has(lower) || lower === "rotate" || (this.#unoffered !== noWords && this.#unoffered.has(lower));
  }
}

const noWords: ReadonlySet<string> = new Set();

function isFlag(word: string): boolean {
  return word.length === 6 && word.toLowerCase() === "rotate";
}

function findContradiction(ask: Ask): Problem {
  if (ask.session !== null && ask.rotate) return '"rotate" and a session contradict each other';
  if (ask.countries.length === 1) return null;
  for (const place of ["state", "city"] as const) {
    if (ask[place] !== null) return `${quoted(place)} needs exactly one country`;
  }
  return null;
}
