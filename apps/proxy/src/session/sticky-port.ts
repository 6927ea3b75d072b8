/**
 * A port that stands for a session: same proxy user and same port, same exit, without a word in the username.
 *
 * A session or `rotate` in the username wins. The session's name holds a colon, which no name in a username can.
 */
import type { Ask } from "@karvon/domain";
import type { ReadAsk } from "@karvon/wire";

export function askOn(stickyPort: number | null, read: ReadAsk): Ask {
  if (stickyPort === null || read.isRotateGiven || read.ask.session !== null) return read.ask;
  return { ...read.ask, session: { id: `port:${stickyPort}`, isHard: false }, rotate: false };
}
