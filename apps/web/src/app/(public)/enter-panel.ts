/** Where to go after signing in: the page that was asked for when it is one of this site's panels, else the role's own. */
export function enterPanel(role: string, next: string | null): string {
  const home = `/${role}`;
  return next !== null && (next === home || next.startsWith(`${home}/`)) && !next.includes("//") && !next.includes("\\") ? next : home;
}
