/** The keys of the username grammar: what each is called, what its value may be, and what it puts into the ask. */
import { europeanUnion, isoCountries, maxTtlMs, placeSlug, type Ask, type Widening } from "@karvon/domain";

/** What has been read so far; a value that is wrong is told in words that name it. */
export type MutableAsk = { -readonly [Part in keyof Ask]: Ask[Part] };
export type Problem = string | null;

export interface Key {
  /** Two keys with one name are the same key: giving both is giving it twice. */
  readonly name: string;
  /** The value runs to the next known key and may hold the separator. */
  readonly isWide?: boolean;
  readonly put: (ask: MutableAsk, value: string) => Problem;
}

const country: Key = {
  name: "country",
  put: (ask, value) => {
    const codes: string[] = [];
    for (const part of (value.includes(",") ? value.replaceAll(",", ".") : value).split(".")) {
      const code = part.toUpperCase() === "UK" ? "GB" : part.toUpperCase();
      if (code === "EU") codes.push(...europeanUnion);
      else if (isoCountries.has(code)) codes.push(code);
      else return `unknown country ${quoted(part)}`;
    }
    ask.countries = [...new Set(codes)];
    return null;
  },
};

function slugKey(name: "state" | "city" | "isp" | "carrier", isWide: boolean): Key {
  return {
    name,
    isWide,
    put: (ask, value) => {
      const slug = placeSlug(value);
      if (!/^[a-z0-9]{1,64}$/.test(slug)) return `${name} ${quoted(value)} is not a name`;
      ask[name] = slug;
      return null;
    },
  };
}

function labelKey(name: "uniq" | "tag", lengthMax: number, isWide: boolean): Key {
  return {
    name,
    isWide,
    put: (ask, value) => {
      if (value.length > lengthMax || !/^[A-Za-z0-9_.-]+$/.test(value))
        return `${name} ${quoted(value)} is not 1 to ${lengthMax} of A-Z a-z 0-9 _ . -`;
      ask[name] = value;
      return null;
    },
  };
}

function sessionKey(isHard: boolean): Key {
  return {
    name: "session",
    isWide: true,
    put: (ask, value) => {
      if (!/^[A-Za-z0-9_.-]{1,64}$/.test(value)) return `session ${quoted(value)} is not 1 to 64 of A-Z a-z 0-9 _ . -`;
      ask.session = { id: value, isHard };
      return null;
    },
  };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s 10m 2h 7d`; a bare number counts in `bareUnit`. */
function ttlKey(bareUnit: "s" | "m"): Key {
  return {
    name: "ttl",
    put: (ask, value) => {
      const match = /^(\d{1,7})([smhd]?)$/i.exec(value);
      const unit = (match?.[2] ?? "").toLowerCase();
      const ttlMs = Number(match?.[1]) * (unitMs[unit === "" ? bareUnit : unit] ?? Number.NaN);
      if (!(ttlMs >= 1_000)) return `ttl ${quoted(value)} is not a time such as 30s, 10m or 2h`;
      if (ttlMs > maxTtlMs) return `ttl ${quoted(value)} is over 24 hours`;
      ask.ttlMs = ttlMs;
      return null;
    },
  };
}

const idle: Key = {
  name: "idle",
  put: (ask, value) => {
    const seconds = /^\d{1,6}$/.test(value) ? Number(value) : 0;
    if (seconds < 1 || seconds > maxTtlMs / 1_000) return `idle ${quoted(value)} is not 1 to 86400 seconds`;
    ask.idleMs = seconds * 1_000;
    return null;
  },
};

const asn: Key = {
  name: "asn",
  put: (ask, value) => {
    const number = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : 0;
    if (number < 1 || number > 0xffff_ffff) return `asn ${quoted(value)} is not a number of an autonomous system`;
    ask.asn = number;
    return null;
  },
};

const types: readonly Ask["type"][] = ["mobile", "wifi", "residential", "any"];
const type: Key = {
  name: "type",
  put: (ask, value) => {
    const found = types.find((known) => known === value.toLowerCase());
    if (found === undefined) return `unknown type ${quoted(value)}: it is mobile, wifi, residential or any`;
    ask.type = found;
    return null;
  },
};

/** `strict` and `fallback` say opposite things, so they count as one key. */
const strict: Key = {
  name: "widening",
  put: (ask, value) => {
    if (value.toLowerCase() !== "city") return `unknown strict ${quoted(value)}: it is city`;
    ask.widening = "none";
    return null;
  },
};
const widenings: readonly Widening[] = ["state", "country", "any"];
const fallback: Key = {
  name: "widening",
  put: (ask, value) => {
    const found = widenings.find((known) => known === value.toLowerCase());
    if (found === undefined) return `unknown fallback ${quoted(value)}: it is state, country or any`;
    ask.widening = found;
    return null;
  },
};

const max: Key = {
  name: "max",
  put: (ask, value) => {
    if (!/^[1-9]\d{0,8}$/.test(value)) return `max ${quoted(value)} is not a number of megabytes`;
    ask.maxBytes = Number(value) * 1_000_000;
    return null;
  },
};

const ttlMinutes = ttlKey("m");
const state = slugKey("state", false);
const city = slugKey("city", true);
const softSession = sessionKey(false);
const hardSession = sessionKey(true);

/** By lower-case word, aliases of other vendors included. */
export const usernameKeys: ReadonlyMap<string, Key> = new Map<string, Key>([
  ...["country", "cc", "cr", "co"].map((word): [string, Key] => [word, country]),
  ...["state", "st", "region"].map((word): [string, Key] => [word, state]),
  ...["city", "ci"].map((word): [string, Key] => [word, city]),
  ["asn", asn],
  ["isp", slugKey("isp", true)],
  ["carrier", slugKey("carrier", true)],
  ...["type", "network"].map((word): [string, Key] => [word, type]),
  ...["session", "sessid", "sid", "sessionid"].map((word): [string, Key] => [word, softSession]),
  ...["session_iplock", "hardsession"].map((word): [string, Key] => [word, hardSession]),
  ...["ttl", "sesstime", "sessionduration", "sessttl", "lifetime"].map((word): [string, Key] => [word, ttlMinutes]),
  ["sessionlength", ttlKey("s")],
  ...["idle", "idlettl"].map((word): [string, Key] => [word, idle]),
  ["strict", strict],
  ["fallback", fallback],
  ["uniq", labelKey("uniq", 64, false)],
  ["tag", labelKey("tag", 32, true)],
  ["max", max],
]);

/** A part of the username, short enough and plain enough for an answer header. */
export function quoted(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]|["\\]/g, "?");
  return `"${plain.length > 40 ? `${plain.slice(0, 40)}...` : plain}"`;
}
