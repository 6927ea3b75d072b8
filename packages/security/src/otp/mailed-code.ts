/**
 * Mailed one-time codes: eight digits, ten minutes, five tries, one use, one browser.
 *
 * A code is an HOTP (RFC 4226) of a secret that is made for it alone and forgotten at once, so nothing predicts the
 * next one: 26.5 bits, of which an attacker may try 15 a quarter of an hour. What is kept is its argon2id hash.
 * This module judges; the rows that count tries live with the caller, who must count a try before it asks here.
 */
import { randomBytes, randomInt } from "node:crypto";
import { generateSync } from "otplib";
import { slowHash } from "../slow-hash.ts";
import { hashToken, isSameBytes } from "../tokens.ts";

export const mailedCodeDigits = 8;

export const mailedCodeLimits = {
  ttlMs: 10 * 60_000,
  /** Tries of one code. */
  triesMax: 5,
  /** New codes of one account. */
  perAccount: 3,
  perAccountWindowMs: 15 * 60_000,
  perAccountDay: 20,
  /** New codes asked for by one address. */
  perIp: 30,
  perIpWindowMs: 60 * 60_000,
} as const;

export interface MailedCode {
  readonly code: string;
  readonly codeHash: string;
}

export async function makeMailedCode(): Promise<MailedCode> {
  const code = generateSync({ strategy: "hotp", secret: randomBytes(32), counter: randomInt(2 ** 32), digits: mailedCodeDigits });
  return { code, codeHash: await slowHash(code) };
}

export interface ChallengeFacts {
  /** Tries counted so far, with the present one. */
  readonly tries: number;
  readonly expiresAtMs: number;
  readonly isConsumed: boolean;
  /** SHA-256 of the asking browser's secret; null when any browser may answer. */
  readonly browserHash: Uint8Array | null;
}

export type ChallengeState = "open" | "consumed" | "expired" | "tries_exceeded" | "other_browser";

/** Whether a code may still be compared. Only "open" may be followed by a comparison. */
export function judgeChallenge(challenge: ChallengeFacts, browserSecret: string | null, nowMs: number): ChallengeState {
  if (challenge.isConsumed) return "consumed";
  if (nowMs >= challenge.expiresAtMs) return "expired";
  if (challenge.tries > mailedCodeLimits.triesMax) return "tries_exceeded";
  if (challenge.browserHash === null) return "open";
  if (browserSecret === null) return "other_browser";
  return isSameBytes(challenge.browserHash, hashToken(browserSecret)) ? "open" : "other_browser";
}
