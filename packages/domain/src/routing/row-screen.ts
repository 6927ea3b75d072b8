/**
 * A few numbers for each row of the index, side by side in memory, by which a node that does not satisfy a wish is told
 * apart without touching it or its facts: going through a bucket then costs nanoseconds a node. Equal facts have equal
 * numbers; different ones nearly always different numbers, so what passes is still to be compared in full.
 */
import type { ConnectionType } from "../ask.ts";
import type { RouteFacts, RouteWish } from "./route-wish.ts";

const columns = 5;
const rowsAtStart = 64;
/** One bit a type; what is asked for is a set of them. */
const typeBits: Readonly<Record<ConnectionType, number>> = { mobile: 1, wifi: 2, residential: 4 };
const askedBits: Readonly<Record<RouteWish["type"], number>> = { any: 7, mobile: 1, wifi: 2, residential: 6 };

/** What is compared; null for what the wish leaves open. */
export interface WishScreen {
  readonly types: number;
  readonly country: number | null;
  readonly state: number | null;
  readonly city: number | null;
  readonly asn: number | null;
}

export function screenOf(wish: RouteWish): WishScreen {
  const [country, ...more] = wish.countries;
  return {
    types: wish.carrier === null ? askedBits[wish.type] : askedBits[wish.type] & typeBits.mobile,
    country: country === undefined || more.length > 0 ? null : textNumber(country),
    state: wish.state === null ? null : textNumber(wish.state),
    city: wish.city === null ? null : textNumber(wish.city),
    asn: wish.asn === null ? null : wish.asn | 0,
  };
}

export class RowScreen {
  #numbers = new Int32Array(rowsAtStart * columns);

  set(row: number, facts: RouteFacts): void {
    const at = row * columns;
    if (at + columns > this.#numbers.length) {
      const larger = new Int32Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[at] = typeBits[facts.type];
    this.#numbers[at + 1] = textNumber(facts.country ?? "");
    this.#numbers[at + 2] = textNumber(facts.state ?? "");
    this.#numbers[at + 3] = textNumber(facts.city ?? "");
    this.#numbers[at + 4] = (facts.asn ?? 0) | 0;
  }

  /** False when the row cannot satisfy the wish. */
  mayPass(row: number, { types, country, state, city, asn }: WishScreen): boolean {
    const numbers = this.#numbers;
    const at = row * columns;
    if (((numbers[at] ?? 0) & types) === 0) return false;
    if (country !== null && numbers[at + 1] !== country) return false;
    if (state !== null && numbers[at + 2] !== state) return false;
    if (city !== null && numbers[at + 3] !== city) return false;
    return asn === null || numbers[at + 4] === asn;
  }
}

/** FNV-1a over the code units. */
function textNumber(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01_00_01_93);
  return hash | 0;
}
