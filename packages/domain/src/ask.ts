/**
 * What a client asks for beside a destination: where the exit is, what kind of line it is, how long it stays.
 *
 * It is what the username grammar is read into and what the router chooses by. Names of places and carriers are
 * slugs: lower case, without spaces and punctuation ("new_york" and "new+york" are both "newyork").
 */
/** How a node reaches the internet now, as consumers name it. A wired line counts as residential. */
export type ConnectionType = "mobile" | "wifi" | "residential";

export interface SessionAsk {
  /** 1 to 64 of `A-Za-z0-9_.-`, scoped to the proxy user. */
  readonly id: string;
  /** A hard session never gets another exit; when its node is gone the answer is `session_lost`. */
  readonly isHard: boolean;
}

/** How far the router may widen the place. Nothing widens unless the client says so. */
export type Widening = "none" | "state" | "country" | "any";

export interface Ask {
  /** ISO 3166-1 alpha-2 in upper case; empty means anywhere. The group `eu` is already spelled out. */
  readonly countries: readonly string[];
  readonly state: string | null;
  readonly city: string | null;
  readonly asn: number | null;
  readonly isp: string | null;
  readonly carrier: string | null;
  readonly type: ConnectionType | "any";
  readonly session: SessionAsk | null;
  /** How long a session keeps its exit. Default 600,000 (10 minutes), at most 86,400,000 (24 hours). */
  readonly ttlMs: number;
  /** How long a session may lie idle before its exit is free again. Default 120,000. */
  readonly idleMs: number;
  /** A new exit per connection; the default when there is no session. */
  readonly rotate: boolean;
  readonly widening: Widening;
  /** No two live sessions of one group share an exit address. */
  readonly uniq: string | null;
  /** Cost tag, 1 to 32 of `A-Za-z0-9_.-`. */
  readonly tag: string | null;
  /** Byte cap of this session. */
  readonly maxBytes: number | null;
}

export const defaultTtlMs = 600_000;
export const maxTtlMs = 86_400_000;
export const defaultIdleMs = 120_000;

/** The ask of a bare username: any exit, a new one per connection. */
export const emptyAsk: Ask = {
  countries: [],
  state: null,
  city: null,
  asn: null,
  isp: null,
  carrier: null,
  type: "any",
  session: null,
  ttlMs: defaultTtlMs,
  idleMs: defaultIdleMs,
  rotate: true,
  widening: "none",
  uniq: null,
  tag: null,
  maxBytes: null,
};
