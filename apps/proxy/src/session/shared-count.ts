/**
 * A limit that several gateway processes keep together: each tells the others what it has open and what it began, and
 * counts theirs with its own.
 *
 * What was told last is at most a tenth of a second old (siblings/count-desk.ts), so together they let in a little more
 * than one would: at most what the others began meanwhile. Of a rate nothing is given away: what others began is taken
 * from the own bucket afterwards, below zero if need be. A process without siblings notes nothing.
 *
 * Limits: as many keys as the processes have open.
 */
export interface CountSource {
  /** Open here under the key. */
  open(key: string): number;
  listOpen(): Iterable<readonly [key: string, open: number]>;
  /** So many began elsewhere. */
  spend(key: string, began: number, ceiling: number): void;
}

export interface CountNews {
  readonly open: readonly (readonly [key: string, open: number])[];
  /** `ceiling` says which of a user's rates it was. */
  readonly began: readonly (readonly [key: string, began: number, ceiling: number])[];
}

export class SharedCount {
  /** There are siblings to tell. */
  isShared = false;
  #source: CountSource | null = null;
  readonly #changed = new Set<string>();
  readonly #began = new Map<string, { count: number; ceiling: number }>();
  readonly #elsewhere = new Map<string, number>();
  readonly #byMember = new Map<number, Map<string, number>>();

  /** Whose limit it is. */
  connect(source: CountSource): void {
    this.#source = source;
  }

  /** The number open here under the key is another. */
  changed(key: string): void {
    if (this.isShared) this.#changed.add(key);
  }

  began(key: string, ceiling = 0): void {
    if (!this.isShared) return;
    const began = this.#began.get(key);
    if (began === undefined) this.#began.set(key, { count: 1, ceiling });
    else began.count += 1;
  }

  /** Open in other processes, as told last. */
  elsewhere(key: string): number {
    return this.#elsewhere.get(key) ?? 0;
  }

  /** What has changed since the last time. */
  takeNews(): CountNews {
    const open = Array.from(this.#changed, (key) => [key, this.#source?.open(key) ?? 0] as const);
    const began = Array.from(this.#began, ([key, { count, ceiling }]) => [key, count, ceiling] as const);
    this.#changed.clear();
    this.#began.clear();
    return { open, began };
  }

  /** Everything that is open here, for one who came. */
  describe(): CountNews {
    return { open: Array.from(this.#source?.listOpen() ?? []), began: [] };
  }

  told(from: number, { open, began }: CountNews): void {
    const known = this.#byMember.get(from) ?? new Map<string, number>();
    this.#byMember.set(from, known);
    for (const [key, count] of open) {
      this.#add(key, count - (known.get(key) ?? 0));
      if (count === 0) known.delete(key);
      else known.set(key, count);
    }
    for (const [key, count, ceiling] of began) this.#source?.spend(key, count, ceiling);
  }

  left(from: number): void {
    for (const [key, count] of this.#byMember.get(from) ?? []) this.#add(key, -count);
    this.#byMember.delete(from);
  }

  #add(key: string, more: number): void {
    const count = this.elsewhere(key) + more;
    if (count === 0) this.#elsewhere.delete(key);
    else this.#elsewhere.set(key, count);
  }
}

/** What the processes of one machine count together. */
export interface SharedCounts {
  /** By client and by proxy user: sessions open. By user also sessions begun. */
  readonly clients: SharedCount;
  readonly users: SharedCount;
  /** By registrable host: sessions open and begun. */
  readonly targets: SharedCount;
  /** By source: wrong passwords. */
  readonly guesses: SharedCount;
}

export function createSharedCounts(): SharedCounts {
  return { clients: new SharedCount(), users: new SharedCount(), targets: new SharedCount(), guesses: new SharedCount() };
}
