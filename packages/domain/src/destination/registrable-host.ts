/**
 * The part of a name that somebody registered, as far as it can be told without a list of all public suffixes: two labels,
 * or three below a country's second-level domains (`co.uk`, `com.br`).
 *
 * It only groups names for limits: shared hosting counts as one target, and a name is never refused for its shape.
 */

/** Second labels under which countries register names. */
const secondLevels: ReadonlySet<string> = new Set([
  "ac",
  "co",
  "com",
  "edu",
  "gob",
  "gov",
  "ltd",
  "me",
  "mil",
  "ne",
  "net",
  "nom",
  "or",
  "org",
  "plc",
  "sch",
]);

/** `host` is canonical: lower case, no trailing dot. */
export function registrableHost(host: string): string {
  const last = host.lastIndexOf(".");
  const second = host.lastIndexOf(".", last - 1);
  if (last <= 0 || second < 0) return host;
  const isBelowCountry = host.length - last === 3 && secondLevels.has(host.slice(second + 1, last));
  if (!isBelowCountry) return host.slice(second + 1);
  const third = host.lastIndexOf(".", second - 1);
  return third < 0 ? host : host.slice(third + 1);
}
