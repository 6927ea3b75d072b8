/**
 * Whether the time of a refused login tells a name that exists from one that does not, or a password that begins well.
 *
 *   node --import tsx scripts/measure-login.ts [samples]
 *
 * Times the authoriser without a network: 2,000 samples each unless told otherwise, in an order that a shuffle chose, each
 * sample from an address of its own. Prints one JSON line with Welch's t of each pair; an absolute value under 4.5 is
 * what one kind of request looks like. Worth something only on a quiet machine.
 */
import { randomBytes } from "node:crypto";
import { hashProxyPassword } from "@karvon/security";
import { createAuthoriser } from "../apps/proxy/src/session/authorise.ts";
import { createSharedCounts } from "../apps/proxy/src/session/shared-count.ts";
import type { Credentials, KnownUser } from "../apps/proxy/src/session/credentials.ts";

const samples = Number(process.argv[2] ?? 2_000);
const warmUp = 2_000;
const pepper = randomBytes(32);
const password = `pxk${"a".repeat(24)}`;
const kinds = {
  "unknown user": ["nobody1", `pxk${"b".repeat(24)}`],
  "wrong password": ["alice1", `pxk${"b".repeat(24)}`],
  "password with the right beginning": ["alice1", `pxk${"a".repeat(23)}b`],
} as const;
type Kind = keyof typeof kinds;

/** Everybody is remembered already, those that exist and those that do not: what is timed is the deciding. */
const alice = { facts: { secretHash: hashProxyPassword(pepper, password), username: "alice1" } } as unknown as KnownUser;
const credentials: Credentials = {
  findUser: (username) => Promise.resolve(username === "alice1" ? alice : null),
  findAllowlisted: () => Promise.resolve(null),
  reload: () => Promise.resolve(),
  forgetStrangers: () => undefined,
  peek: () => null,
};
const authoriser = createAuthoriser({
  credentials,
  guesses: createSharedCounts().guesses,
  pepper,
  nowMs: Date.now,
  onFault(cause) {
    throw cause;
  },
});

function shuffled(): Kind[] {
  const order = (Object.keys(kinds) as Kind[]).flatMap((kind) => Array.from({ length: samples + warmUp }, () => kind));
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [order[at], order[other]] = [order[other] as Kind, order[at] as Kind];
  }
  return order;
}

/** Without the slowest hundredth: what the machine did meanwhile says nothing about the login. */
function describe(times: readonly number[]): { count: number; mean: number; variance: number } {
  const kept = times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * 0.99));
  const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
  const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
  return { count: kept.length, mean, variance };
}

function welch(left: readonly number[], right: readonly number[]): number {
  const [a, b] = [describe(left), describe(right)];
  return Math.round(((a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count)) * 100) / 100;
}

const times: Record<Kind, number[]> = { "unknown user": [], "wrong password": [], "password with the right beginning": [] };
let source = 0;
for (const kind of shuffled()) {
  const [username, given] = kinds[kind];
  source += 1;
  const address = `10.${(source >>> 16) & 255}.${(source >>> 8) & 255}.${source & 255}`;
  const startedNs = process.hrtime.bigint();
  const answer = await authoriser.authorise({ username, password: given }, { address, stickyPort: null });
  const tookUs = Number(process.hrtime.bigint() - startedNs) / 1_000;
  if (answer.kind !== "refused" || answer.refusal.code !== "auth_failed") throw new Error(`${kind} was not refused as auth_failed`);
  if (source > warmUp * 3) times[kind].push(tookUs);
}
const [unknown, wrong, prefix] = [times["unknown user"], times["wrong password"], times["password with the right beginning"]];
console.log(
  JSON.stringify({
    figure: "login-timing",
    samples: Math.min(unknown.length, wrong.length, prefix.length),
    meanUs: Math.round(describe(wrong).mean * 100) / 100,
    unknownAgainstWrong: welch(unknown, wrong),
    wrongAgainstPrefix: welch(wrong, prefix),
  }),
);
