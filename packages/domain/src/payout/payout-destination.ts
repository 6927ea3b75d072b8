/** Where an operator's money goes: bank accounts only, because a bank names the holder and can send money back. */

export const payoutMethods = ["iban", "uz_account"] as const;
export type PayoutMethod = (typeof payoutMethods)[number];

/** The least that is paid out: below it a bank's fee eats too much of it. */
export const payoutMicroUsdMin = 10_000_000n;

/**
 * The destination as it is stored, without blanks, or null when it cannot be one.
 *
 * `iban`: ISO 13616, 15 to 34 characters whose remainder modulo 97 is 1, so that a wrong digit and two swapped ones are found.
 * `uz_account`: the 20 digits of an account in Uzbekistan, a slash, and the 5 digits of its bank (MFO).
 */
export function readPayoutDestination(method: PayoutMethod, text: string): string | null {
  const compact = text.replaceAll(/\s/g, "").toUpperCase();
  switch (method) {
    case "iban":
      return /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(compact) && remainderOf(compact) === 1 ? compact : null;
    case "uz_account":
      return /^\d{20}\/\d{5}$/.test(compact) ? compact : null;
  }
}

/** ISO 7064 MOD 97-10: the first four characters stand at the end, and a letter counts as the two digits 10 to 35. */
function remainderOf(iban: string): number {
  const moved = iban.slice(4) + iban.slice(0, 4);
  let remainder = 0;
  for (const character of moved) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}
