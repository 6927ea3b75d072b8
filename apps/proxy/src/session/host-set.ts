/** Host names that each stand for everything below them too. */
export class HostSet {
  readonly #names: ReadonlySet<string>;

  /** In any case, with or without a leading `*.` and a trailing dot. */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map((name) => name.toLowerCase().replace(/^\*\.|\.$/g, "")));
  }

  has(host: string): boolean {
    if (this.#names.size === 0) return false;
    const name = host.toLowerCase().replace(/\.$/, "");
    for (let rest = name; ; rest = rest.slice(rest.indexOf(".") + 1)) {
      if (this.#names.has(rest)) return true;
      if (!rest.includes(".")) return false;
    }
  }
}
