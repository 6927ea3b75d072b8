/** PostgreSQL could not be started. The message is one sentence for the person at the terminal. */
export class PostgresStartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PostgresStartError";
  }
}

/** What the known complaints of initdb and postgres mean for the person who started Karvon. First match wins. */
const explanations: readonly { readonly pattern: RegExp; readonly say: (dir: string) => string }[] = [
  {
    pattern: /no space left on device|ENOSPC/i,
    say: (dir) => `No disk space is left for the database in ${dir}: free at least 200 MB and start again.`,
  },
  { pattern: /read-only file system|EROFS/i, say: (dir) => `The database folder ${dir} is on a read-only disk.` },
  {
    pattern: /unshare: |cannot be run as root|must not be run as root/i,
    say: () =>
      "PostgreSQL does not run as root, and this machine forbids user namespaces: start Karvon as a normal user, or set DATABASE_URL.",
  },
  {
    pattern: /initialized by PostgreSQL version|database files are incompatible/i,
    say: (dir) =>
      `The database in ${dir} was made by another PostgreSQL version: dump it with that version, or choose another KARVON_DATA_DIR.`,
  },
  {
    pattern: /permission denied|invalid permissions|wrong ownership/i,
    say: (dir) => `The database folder ${dir} belongs to another user or is not private: run Karvon as its owner.`,
  },
  {
    pattern: /could not create shared memory|could not resize shared memory/i,
    say: () => "PostgreSQL got no shared memory from the system: free some memory and start again.",
  },
  {
    pattern: /ENOENT/,
    say: () =>
      "PostgreSQL's program does not run on this machine (it needs glibc 2.27 or newer, and `unshare` when root): set DATABASE_URL instead.",
  },
];

/** Turns what a program printed into one sentence; the original text becomes the cause. */
export function explain(what: string, output: string, dir: string): PostgresStartError {
  const known = explanations.find(({ pattern }) => pattern.test(output));
  const lastLine = output.trim().split("\n").at(-1) ?? "";
  const message = known === undefined ? `${what}: ${lastLine}` : known.say(dir);
  return new PostgresStartError(message, { cause: new Error(output.trim()) });
}
