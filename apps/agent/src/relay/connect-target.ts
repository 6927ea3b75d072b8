/**
 * From a target as the gateway names it to a connected socket, without ever trusting a name twice.
 *
 * The name is resolved once; every address that came back is judged, and the connection goes to a judged address,
 * never to the name. Refused are private, reserved and embedded addresses, closed ports, this device's own networks
 * and the gateway. Limits: 5 s for the name, 8 addresses a name, 4 attempts, 10 s in all, 4 s an attempt that is not
 * the last; 256 names at once, of streams that are gone already too: the system's resolver cannot be told to stop.
 */
import { lookup } from "node:dns/promises";
import type { Socket } from "node:net";
import { type EgressAllow, checkAddress, checkHost, checkPort } from "@karvon/domain";
import { connectShared, type RstName, type Target } from "@karvon/tunnel";
import type { OwnNetworks } from "./own-networks.ts";

const resolveTimeoutMs = 5_000;
const connectTimeoutMs = 10_000;
const attemptTimeoutMs = 4_000;
const addressesMax = 8;
const attemptsMax = 4;
const lookupsMax = 256;
const busyCode = "EBUSY";

interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}
/** Rejects as `dns.lookup` does, with a `code`. */
export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

/** The system's own resolver: the one that the device's owner chose, and the only one that works on Android. */
export const systemResolver: Resolver = (host) => lookup(host, { all: true, verbatim: true });

/** The same resolver, which rejects at once with the code of a busy device while it has too many names to resolve. */
export function limitLookups(resolve: Resolver): Resolver {
  let lookups = 0;
  return async (host) => {
    if (lookups >= lookupsMax) throw Object.assign(new Error("too many names are being resolved"), { code: busyCode });
    lookups += 1;
    try {
      return await resolve(host);
    } finally {
      lookups -= 1;
    }
  };
}

export interface ConnectRules {
  readonly allow: EgressAllow;
  readonly own: OwnNetworks;
  readonly resolve: Resolver;
}

export type ConnectOutcome =
  | { readonly kind: "connected"; readonly socket: Socket; readonly address: string; readonly family: 4 | 6; readonly connectMs: number }
  | { readonly kind: "refused"; readonly code: RstName; readonly reason: string };
type Refused = Extract<ConnectOutcome, { readonly kind: "refused" }>;
interface Judged {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Says that a connection is no longer wanted. An AbortController does the same and costs a stream a twelfth of its CPU. */
export class Cancellation {
  isCancelled = false;
  onCancel: (() => void) | null = null;

  cancel(): void {
    this.isCancelled = true;
    this.onCancel?.();
  }
}

/** Never rejects. After a cancellation the socket, if one came, is destroyed and the outcome is a refusal. */
export async function connectTarget(target: Target, rules: ConnectRules, cancellation: Cancellation): Promise<ConnectOutcome> {
  const startedAtMs = performance.now();
  const candidates = await judgeTarget(target, rules);
  if (!Array.isArray(candidates)) return candidates;
  let last: Refused = refused("unreachable", "no address to try");
  for (const [index, candidate] of candidates.entries()) {
    const leftMs = connectTimeoutMs - (performance.now() - startedAtMs);
    if (cancellation.isCancelled) return refused("cancelled", "no longer wanted");
    if (leftMs <= 0) return last.code === "unreachable" ? refused("timeout", "no answer in time") : last;
    const isLast = index === candidates.length - 1;
    const outcome = await attempt(candidate, target.port, isLast ? leftMs : Math.min(leftMs, attemptTimeoutMs), cancellation);
    if (outcome.kind === "connected") return { ...outcome, connectMs: Math.round(performance.now() - startedAtMs) };
    last = outcome;
  }
  const hasIpv6Only = candidates.every(({ family }) => family === 6);
  return hasIpv6Only && last.code === "unreachable" ? refused("noIpv6", "this device has no way to IPv6 addresses") : last;
}

function refused(code: RstName, reason: string): Refused {
  return { kind: "refused", code, reason };
}

/** The addresses that may be connected to, at least one, in the resolver's order. */
async function judgeTarget(target: Target, rules: ConnectRules): Promise<Judged[] | Refused> {
  const host = checkHost(target.host);
  if (host.kind === "refused") return refused("policy", host.detail);
  const resolved = host.kind === "address" ? [{ address: host.address }] : await resolveName(host.host, rules.resolve);
  if (!Array.isArray(resolved)) return resolved;
  const judged: Judged[] = [];
  let problem: Refused = refused("dns", "the name has no address");
  for (const { address } of resolved) {
    const verdict = judge(address, target.port, rules);
    if ("kind" in verdict) problem = verdict;
    else judged.push(verdict);
  }
  return judged.length > 0 ? judged.slice(0, attemptsMax) : problem;
}

function judge(address: string, port: number, { allow, own }: ConnectRules): Judged | Refused {
  const checked = checkAddress(address, allow, port);
  if (checked.kind === "refused") return refused("policy", checked.detail);
  const closed = checkPort(port, allow, { address: checked.address });
  if (closed) return refused("policy", closed.detail);
  const owned = own.refuses(checked.address, port, allow);
  return owned === null
    ? { address: checked.address, family: checked.family }
    : refused("policy", `${checked.address} is refused: ${owned}`);
}

async function resolveName(host: string, resolve: Resolver): Promise<ResolvedAddress[] | Refused> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Refused>((settle) => {
    timer = setTimeout(() => settle(refused("dnsTimeout", "the name server did not answer")), resolveTimeoutMs);
  });
  const found = resolve(host).then(
    (addresses) => addresses.slice(0, addressesMax),
    (cause: unknown) => unresolved(codeOf(cause)),
  );
  const answer = await Promise.race([found, tooLate]);
  clearTimeout(timer);
  return answer;
}

function unresolved(code: string): Refused {
  if (code === busyCode) return refused("busy", "too many names are being resolved");
  return code === "EAI_AGAIN" ? refused("dnsTimeout", "the name server is away") : refused("dns", "the name does not resolve");
}

type Attempt = Omit<Extract<ConnectOutcome, { readonly kind: "connected" }>, "connectMs"> | Refused;

function attempt(candidate: Judged, port: number, timeoutMs: number, cancellation: Cancellation): Promise<Attempt> {
  const { address, family } = candidate;
  return new Promise((resolve) => {
    // The address is a literal, so nothing is looked up again between the check and the connection.
    const socket = connectShared({ host: address, port, family, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => fail(refused("timeout", "no answer in time")), timeoutMs);
    function settle(outcome: Attempt): void {
      clearTimeout(timer);
      cancellation.onCancel = null;
      resolve(outcome);
    }
    function fail(outcome: Refused): void {
      socket.destroy();
      settle(outcome);
    }
    // The listener stays for the socket's life: an error after the hand-over is the stream's to act on, not a crash.
    socket.on("error", (cause) => fail(refused(rstOf(codeOf(cause)), "the connection failed")));
    socket.once("connect", () => settle({ kind: "connected", socket, address, family }));
    cancellation.onCancel = () => fail(refused("cancelled", "no longer wanted"));
    if (cancellation.isCancelled) cancellation.cancel();
  });
}

function rstOf(code: string): RstName {
  if (code === "ECONNREFUSED") return "refused";
  // The target took the connection and dropped it before this process heard of it.
  if (code === "ECONNRESET") return "targetReset";
  return code === "ETIMEDOUT" ? "timeout" : "unreachable";
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
}
