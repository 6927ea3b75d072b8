/**
 * Reads logins and remembers the usernames it read: programs send the same few thousand times.
 *
 * Passwords are never kept, so a login with parameters in the password is read each time. Limit: 4,096 usernames, then
 * all are forgotten at once.
 */
import type { Refusal } from "@karvon/domain";
import { type ProxyLogin, readProxyLogin } from "@karvon/wire";

const usernamesMax = 4_096;

export function createLoginReader(): (username: string, password: string) => ProxyLogin | Refusal {
  const known = new Map<string, ProxyLogin>();
  return (username, password) => {
    if (password.includes("_")) return readProxyLogin(username, password);
    const remembered = known.get(username);
    if (remembered !== undefined) return { ...remembered, secret: password };
    const read = readProxyLogin(username, "");
    if (read.kind === "refused") return read;
    if (known.size >= usernamesMax) known.clear();
    known.set(username, read);
    return { ...read, secret: password };
  };
}
