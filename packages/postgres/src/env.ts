/**
 * The environment that PostgreSQL's programs get: ours, in the C locale (macOS refuses to start without one), and without
 * the PG* variables, which would redirect them to another server or folder.
 */
export function childEnvironment(): NodeJS.ProcessEnv {
  const misleading = Object.keys(process.env).filter((name) => name.startsWith("PG"));
  return { ...process.env, ...Object.fromEntries(misleading.map((name) => [name, undefined])), LC_ALL: "C" };
}
