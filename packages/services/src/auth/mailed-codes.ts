/**
 * Challenges: the rows behind mailed codes.
 *
 * The limits count rows, and a row is written for an address whether or not somebody has it, so neither the answer
 * nor the limits tell who has an account. A challenge belongs to the browser that asked: another browser can neither
 * answer it nor use up its tries.
 */
import { AppError, newId } from "@karvon/domain";
import {
  type ChallengeFacts,
  type ChallengeState,
  hashToken,
  judgeChallenge,
  mailedCodeLimits,
  makeToken,
  slowVerify,
} from "@karvon/security";
import type { ServiceContext } from "../context.ts";
import type { DatabaseTransaction } from "../database.ts";

export type ChallengePurpose = "admin_sign_in" | "verify_email";

const browserSecretPattern = /^[A-Za-z0-9_-]{43}$/;

/** The asking browser's secret: its own when it has a good one, so that its other tabs stay valid. */
export function browserSecretOf(ctx: ServiceContext): string {
  const own = ctx.request.browserSecret;
  return own !== null && browserSecretPattern.test(own) ? own : makeToken();
}

export interface NewChallenge {
  readonly email: string;
  readonly purpose: ChallengePurpose;
  readonly userId: string | null;
  readonly codeHash: string;
  readonly browserSecret: string;
  readonly ttlMs: number;
}

/** Writes a challenge, or throws TRIES_EXCEEDED when the address or the asking IP had enough of them. */
export async function startChallenge(ctx: ServiceContext, db: DatabaseTransaction, challenge: NewChallenge): Promise<void> {
  const now = ctx.now();
  const { ipAddress } = ctx.request;
  // Two askers at once must not both see the last free place. Always the address first, so that nobody waits in a circle.
  await db.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`otp ${challenge.email}`}, 0))`;
  if (ipAddress !== null) await db.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`otp ip ${ipAddress}`}, 0))`;
  const [counts] = await db.$queryRaw<{ recent: number; day: number; ip: number }[]>`
    select
      (select count(*) from otp_challenge where email = ${challenge.email} and purpose = ${challenge.purpose}::"OtpPurpose"
         and created_at > ${before(now, mailedCodeLimits.perAccountWindowMs)})::int as recent,
      (select count(*) from otp_challenge where email = ${challenge.email} and purpose = ${challenge.purpose}::"OtpPurpose"
         and created_at > ${before(now, 24 * 3_600_000)})::int as day,
      (select count(*) from otp_challenge where ip_address = ${ipAddress}
         and created_at > ${before(now, mailedCodeLimits.perIpWindowMs)})::int as ip`;
  const isOver =
    counts === undefined ||
    counts.recent >= mailedCodeLimits.perAccount ||
    counts.day >= mailedCodeLimits.perAccountDay ||
    counts.ip >= mailedCodeLimits.perIp;
  if (isOver) throw new AppError("TRIES_EXCEEDED", "Too many codes were asked for. Wait 15 minutes, then ask again.");
  await db.otpChallenge.create({
    data: {
      id: newId("otp", now.getTime()),
      userId: challenge.userId,
      email: challenge.email,
      purpose: challenge.purpose,
      codeHash: challenge.codeHash,
      browserHash: new Uint8Array(hashToken(challenge.browserSecret)),
      ipAddress,
      createdAt: now,
      expiresAt: new Date(now.getTime() + challenge.ttlMs),
    },
    select: { id: true },
  });
}

function before(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}

interface ChallengeRow {
  readonly id: string;
  readonly user_id: string | null;
  readonly code_hash: string;
  readonly browser_hash: Uint8Array | null;
  readonly attempts: number;
  readonly expires_at: Date;
  readonly consumed_at: Date | null;
}

export interface AnsweredChallenge {
  readonly challengeId: string;
  readonly userId: string;
}

/**
 * Counts a try of this browser's newest challenge, then compares. Throws CODE_WRONG, CODE_EXPIRED or TRIES_EXCEEDED;
 * each takes one slow hash. What it returns must still be consumed, in the transaction that acts on it.
 */
export async function answerChallenge(
  ctx: ServiceContext,
  purpose: ChallengePurpose,
  email: string,
  code: string,
): Promise<AnsweredChallenge> {
  const secret = ctx.request.browserSecret;
  const row = await countTry(ctx, purpose, email, hashToken(secret ?? ""));
  const state = row === undefined ? "other_browser" : judgeChallenge(factsOf(row), secret, ctx.now().getTime());
  // A challenge of nobody is compared as thoroughly as any, against a hash that no code fits.
  const owned = row === undefined || row.user_id === null ? null : { challengeId: row.id, userId: row.user_id, codeHash: row.code_hash };
  const isRight = await slowVerify(state === "open" ? (owned?.codeHash ?? null) : null, code);
  if (state !== "open") throw refusals[state]();
  if (!isRight || owned === null) throw new AppError("CODE_WRONG", "That code is wrong. Look at the newest mail.");
  return owned;
}

const usedUp = () => new AppError("CODE_EXPIRED", "This code is used up. Ask for a new one.");
const refusals: Readonly<Record<Exclude<ChallengeState, "open">, () => AppError>> = {
  tries_exceeded: () => new AppError("TRIES_EXCEEDED", "This code was tried too often. Ask for a new one."),
  expired: usedUp,
  consumed: usedUp,
  other_browser: () => new AppError("CODE_EXPIRED", "This browser did not ask for a code. Ask for one here."),
};

/** This browser's newest challenge, with the present try counted: fifty tries at once are fifty. */
async function countTry(
  ctx: ServiceContext,
  purpose: ChallengePurpose,
  email: string,
  browserHash: Buffer,
): Promise<ChallengeRow | undefined> {
  const [row] = await ctx.database.$queryRaw<ChallengeRow[]>`
    update otp_challenge set attempts = attempts + 1
     where id = (select id from otp_challenge where email = ${email} and purpose = ${purpose}::"OtpPurpose"
                   and browser_hash = ${browserHash} order by created_at desc, id desc limit 1)
     returning id, user_id, code_hash, browser_hash, attempts, expires_at, consumed_at`;
  return row;
}

function factsOf(row: ChallengeRow): ChallengeFacts {
  return {
    tries: row.attempts,
    expiresAtMs: row.expires_at.getTime(),
    isConsumed: row.consumed_at !== null,
    browserHash: row.browser_hash,
  };
}

/** Uses the challenge up. CODE_EXPIRED when somebody else was faster. */
export async function consumeChallenge(db: DatabaseTransaction, challengeId: string, now: Date): Promise<void> {
  const { count } = await db.otpChallenge.updateMany({ where: { id: challengeId, consumedAt: null }, data: { consumedAt: now } });
  if (count !== 1) throw usedUp();
}
