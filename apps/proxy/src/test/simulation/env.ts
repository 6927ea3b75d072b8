/** `KARVON_SIM_SEED=17` runs that seed alone, `KARVON_SIM_SEED=17-80` those; null when it is not set. */
export function readSeeds(): number[] | null {
  const text = process.env["KARVON_SIM_SEED"];
  if (text === undefined) return null;
  const [first = 1, last = first] = text.split("-").map(Number);
  return listSeeds(first, last);
}

export function listSeeds(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
