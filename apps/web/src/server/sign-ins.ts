/**
 * From a cookie to a signed-in person.
 *
 * next-auth's token is opened here as next-auth would (same secret, same algorithm); all it yields is a session id, and
 * the session's row decides. Opening is pure, so the result is remembered by the token's text: 2,000 tokens at most.
 */
import { anonymous, type Actor, type SignInDirectory, type Viewer } from "@karvon/services";
import { isId } from "@karvon/domain";
import { decode } from "next-auth/jwt";

const remembered = 2_000;
const tokenLengthMax = 4_096;

export interface Present {
  readonly viewer: Viewer | null;
  readonly actor: Actor;
  readonly sessionId: string | null;
}

export interface SignIns {
  /** Who a cookie stands for now. */
  identify(cookieValue: string | undefined): Promise<Present>;
  isOpen(sessionId: string | null): Promise<boolean>;
}

const nobody: Present = { viewer: null, actor: anonymous, sessionId: null };

export function createSignIns(options: { readonly directory: SignInDirectory; readonly authSecret: string }): SignIns {
  const known = new Map<string, string | null>();

  async function sessionIdOf(token: string): Promise<string | null> {
    const earlier = known.get(token);
    if (earlier !== undefined) return earlier;
    const sessionId = await open(token, options.authSecret);
    known.set(token, sessionId);
    const oldest = known.size > remembered ? known.keys().next() : undefined;
    if (oldest?.done === false) known.delete(oldest.value);
    return sessionId;
  }

  return {
    async identify(cookieValue) {
      if (cookieValue === undefined || cookieValue === "" || cookieValue.length > tokenLengthMax) return nobody;
      const sessionId = await sessionIdOf(cookieValue);
      const found = sessionId === null ? null : await options.directory.find(sessionId);
      return found === null ? nobody : { ...found, sessionId };
    },
    async isOpen(sessionId) {
      return sessionId !== null && (await options.directory.find(sessionId)) !== null;
    },
  };
}

async function open(token: string, secret: string): Promise<string | null> {
  try {
    const payload = await decode({ token, secret });
    const sid: unknown = payload?.["sid"];
    return typeof sid === "string" && isId("sis", sid) ? sid : null;
  } catch {
    return null; // forged, damaged, expired or made under another secret
  }
}
