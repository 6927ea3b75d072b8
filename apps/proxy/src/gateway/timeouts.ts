/**
 * How long each phase of a client connection may last. docs/limits.md lists them with what a client sees.
 *
 * Milliseconds everywhere. They are handed in, so that a test need not wait for them.
 */
import { defaultHttpTimeouts, type HttpTimeouts } from "./http-timeouts.ts";

/** `headMs` also bounds a first byte, each SOCKS5 message and a PROXY header. */
export interface GatewayTimeouts extends HttpTimeouts {
  /** So long may a slow client take for our last bytes. */
  readonly flushMs: number;
  /** After our last bytes: so long is read and thrown away what the client still sends. */
  readonly lingerMs: number;
  /** Nothing moves in either direction of a session, half-closed or not. */
  readonly sessionIdleMs: number;
  /** The life of one session, however busy. */
  readonly sessionLifeMs: number;
  /** A node answers whether it connected; then the next one is asked. */
  readonly nodeAnswerMs: number;
  /** Who has guessed too many passwords waits between these two for every further answer. */
  readonly tarpitMinMs: number;
  readonly tarpitMaxMs: number;
}

export const defaultTimeouts: GatewayTimeouts = {
  ...defaultHttpTimeouts,
  nodeAnswerMs: 12_000,
  flushMs: 60_000,
  lingerMs: 2_000,
  sessionIdleMs: 120_000,
  sessionLifeMs: 12 * 3_600_000,
  tarpitMinMs: 1_000,
  tarpitMaxMs: 5_000,
};
