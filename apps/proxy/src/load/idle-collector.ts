/**
 * Gives memory back when nothing happens. V8 collects when something is allocated, so a gateway that falls idle would keep what
 * its start or the last rush has left for as long as it stays idle.
 *
 * Once after each time of work, so that an idle gateway also costs no CPU.
 */

/** Looks without work before garbage is collected: nobody should meet the pause who only took a breath. */
const quietLooks = 2;

export interface IdleCollectorOptions {
  /** Sessions that are open now. */
  readonly countOpen: () => number;
  /** Sessions opened since the start, and tunnels that are open: what moves when work is done. */
  readonly countWork: () => number;
  readonly collect: () => void;
}

export class IdleCollector {
  readonly #options: IdleCollectorOptions;
  #workSeen = -1;
  #quiet = 0;

  constructor(options: IdleCollectorOptions) {
    this.#options = options;
  }

  /** To be called at regular times. */
  look(): void {
    const work = this.#options.countWork();
    if (work !== this.#workSeen || this.#options.countOpen() > 0) {
      this.#workSeen = work;
      this.#quiet = 0;
      return;
    }
    this.#quiet += 1;
    if (this.#quiet === quietLooks) this.#options.collect();
  }
}
