/**
 * Nodes that share one fact, as row numbers in an array that a choice can draw from.
 *
 * The rows before `readyCount` are ready for a session, the rest are parked: full, or on the bench. Adding, removing and
 * moving between the two halves cost a few swaps, however many nodes there are. `places` says where a row stands in the
 * bucket, at `row * slotsPerRow + slot`; it is shared by all buckets.
 */
export const slotsPerRow = 18;

export interface RowPlaces {
  at: Int32Array;
}

export class NodeBucket {
  readonly rows: number[] = [];
  readyCount = 0;
  /** Cells that put their nodes here; without any the bucket goes. */
  cells = 0;
  /** Grows when a row becomes ready: what was empty may not be any more. */
  arrivals = 0;
  readonly key: string;
  readonly #slot: number;
  readonly #places: RowPlaces;

  constructor(key: string, slot: number, places: RowPlaces) {
    this.key = key;
    this.#slot = slot;
    this.#places = places;
  }

  add(row: number, isReady: boolean): void {
    this.#set(this.rows.length, row);
    if (isReady) this.ready(row);
  }

  remove(row: number): void {
    this.park(row);
    const last = this.rows.length - 1;
    this.#swap(this.#places.at[row * slotsPerRow + this.#slot] ?? last, last);
    this.rows.pop();
  }

  ready(row: number): void {
    const index = this.#places.at[row * slotsPerRow + this.#slot] ?? 0;
    if (index < this.readyCount) return;
    this.#swap(index, this.readyCount);
    this.readyCount += 1;
    this.arrivals += 1;
  }

  park(row: number): void {
    const index = this.#places.at[row * slotsPerRow + this.#slot] ?? 0;
    if (index >= this.readyCount) return;
    this.readyCount -= 1;
    this.#swap(index, this.readyCount);
  }

  #swap(one: number, other: number): void {
    const { rows } = this;
    const first = rows[one];
    const second = rows[other];
    if (first === undefined || second === undefined) return;
    this.#set(one, second);
    this.#set(other, first);
  }

  #set(index: number, row: number): void {
    this.rows[index] = row;
    this.#places.at[row * slotsPerRow + this.#slot] = index;
  }
}
