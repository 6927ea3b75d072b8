/**
 * Passwords that were shown in this tab, so that the endpoint page can write whole lines.
 *
 * They live in the page's memory only: a reload or another tab does not have them, and nothing stores them.
 */
const passwords = new Map<string, string>();

export function rememberSecret(username: string, password: string): void {
  passwords.set(username, password);
}

export function findSecret(username: string): string | null {
  return passwords.get(username) ?? null;
}
