import { type Ask, emptyAsk, isProxyUser, reservedUsers } from "@karvon/domain";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ProxyLogin, readProxyLogin } from "./proxy-username.ts";

const secret = "pxkAbCdEfGhIjKlMnOpQrStUvWx";

function read(username: string, password = secret): ProxyLogin {
  const login = readProxyLogin(username, password);
  if (login.kind === "refused") throw new Error(login.detail);
  return login;
}

function refusalOf(username: string, password = secret): string {
  const login = readProxyLogin(username, password);
  if (login.kind === "refused") return login.detail;
  return login.wish.kind === "refused" ? login.wish.detail : "no refusal";
}

const soft = (id: string): Partial<Ask> => ({ session: { id, isHard: false }, rotate: false });
const minutes = (count: number): number => count * 60_000;

interface Golden {
  readonly dialect: ProxyLogin["dialect"];
  readonly username: string;
  readonly password?: string;
  readonly user: string;
  readonly ask: Partial<Ask>;
}

const golden: readonly Golden[] = [
  {
    dialect: "brightdata",
    username: "brd-customer-cli_7-zone-shop1-country-us-state-ny",
    user: "shop1",
    ask: { countries: ["US"], state: "ny" },
  },
  { dialect: "brightdata", username: "lum-customer-hl123-zone-shop1-session-mystring12345", user: "shop1", ask: soft("mystring12345") },
  {
    dialect: "brightdata",
    username: "brd-customer-hl1-zone-shop1-country-us-city-sanfrancisco",
    user: "shop1",
    ask: { countries: ["US"], city: "sanfrancisco" },
  },
  { dialect: "brightdata", username: "brd-customer-hl1-zone-shop1-asn-56386", user: "shop1", ask: { asn: 56_386 } },
  { dialect: "brightdata", username: "brd-customer-hl1-zone-shop1", user: "shop1", ask: {} },
  {
    dialect: "oxylabs",
    username: "customer-shop1-cc-US-city-new_york-sessid-abc123",
    user: "shop1",
    ask: { countries: ["US"], city: "newyork", ...soft("abc123") },
  },
  {
    dialect: "oxylabs",
    username: "customer-shop1-cc-GB-city-london-sessid-abcde12345-sesstime-5",
    user: "shop1",
    ask: { countries: ["GB"], city: "london", ttlMs: minutes(5), ...soft("abcde12345") },
  },
  { dialect: "oxylabs", username: "customer-shop1-cc-US-st-us_california", user: "shop1", ask: { countries: ["US"], state: "california" } },
  { dialect: "oxylabs", username: "customer-shop1", user: "shop1", ask: {} },
  {
    dialect: "decodo",
    username: "user-shop1-country-us-city-new_york-session-account-1-sessionduration-30",
    user: "shop1",
    ask: { countries: ["US"], city: "newyork", ttlMs: minutes(30), ...soft("account-1") },
  },
  {
    dialect: "decodo",
    username: "user-shop1-sessionduration-30-session-abc123",
    user: "shop1",
    ask: { ttlMs: minutes(30), ...soft("abc123") },
  },
  {
    dialect: "decodo",
    username: "user-shop1-country-us-session_iplock-s1-sessionduration-1440",
    user: "shop1",
    ask: { countries: ["US"], ttlMs: minutes(1_440), session: { id: "s1", isHard: true }, rotate: false },
  },
  {
    dialect: "soax",
    username: "package-shop1-country-us-city-new+york-sessionid-rand123456-sessionlength-90",
    user: "shop1",
    ask: { countries: ["US"], city: "newyork", ttlMs: 90_000, ...soft("rand123456") },
  },
  {
    dialect: "soax",
    username: "package-123456-country-de-region-bavaria-isp-telekom-idlettl-60",
    user: "123456",
    ask: { countries: ["DE"], state: "bavaria", isp: "telekom", idleMs: 60_000 },
  },
  {
    dialect: "iproyal",
    username: "bob12",
    password: "Sec123_country-us_state-iowa_city-desmoines_session-abcd1234_lifetime-30m",
    user: "bob12",
    ask: { countries: ["US"], state: "iowa", city: "desmoines", ttlMs: minutes(30), ...soft("abcd1234") },
  },
  {
    dialect: "iproyal",
    username: "bob12",
    password: "Sec123_country-dk,it_session-abcd1234_lifetime-24h",
    user: "bob12",
    ask: { countries: ["DK", "IT"], ttlMs: minutes(1_440), ...soft("abcd1234") },
  },
  {
    dialect: "iproyal",
    username: "bob12-tag-crawl",
    password: "Sec123_country-pe_city-lima",
    user: "bob12",
    ask: { countries: ["PE"], city: "lima", tag: "crawl" },
  },
  {
    dialect: "dataimpulse",
    username: "login1__cr.us;state.newjersey;city.newark;sessid.ql-20261007-7f3a;sessttl.60",
    user: "login1",
    ask: { countries: ["US"], state: "newjersey", city: "newark", ttlMs: minutes(60), ...soft("ql-20261007-7f3a") },
  },
  { dialect: "dataimpulse", username: "login1__cr.au,br", user: "login1", ask: { countries: ["AU", "BR"] } },
  { dialect: "dataimpulse", username: "login1__cr.us;asn.7018", user: "login1", ask: { countries: ["US"], asn: 7_018 } },
  { dialect: "native", username: "alice", user: "alice", ask: {} },
  {
    dialect: "native",
    username: "alice-country-de-session-s1-lifetime-10",
    user: "alice",
    ask: { countries: ["DE"], ttlMs: minutes(10), ...soft("s1") },
  },
  {
    dialect: "native",
    username: "alice-country-us.ca-type-mobile-session-cart-77-ttl-2h-strict-city-tag-crawler-a",
    user: "alice",
    ask: { countries: ["US", "CA"], type: "mobile", ttlMs: minutes(120), tag: "crawler-a", ...soft("cart-77") },
  },
  { dialect: "native", username: "alice-country-us-rotate", user: "alice", ask: { countries: ["US"], rotate: true } },
  { dialect: "native", username: "alice-session-country", user: "alice", ask: soft("country") },
  // Nothing of these is another form's although it looks a little like one.
  { dialect: "native", username: "brdcustomer-session-a__b", user: "brdcustomer", ask: soft("a__b") },
  { dialect: "native", username: "users-session-customer-x-zone-y", user: "users", ask: soft("customer-x-zone-y") },
];

/** Each is refused, and the detail holds the part that is wrong. */
const wrong: readonly (readonly [username: string, part: string, password?: string])[] = [
  ["brd-customer-hl1-zone-shop1-country-us-city-memphis-zip-37501", '"zip" is not offered'],
  ["brd-customer-hl1-zone-shop1-asn-56386-os-windows", '"os" is not offered'],
  ["brd-customer-hl1-zone-shop1-route_err-block", '"route_err" is not offered'],
  ["brd-customer-hl1-shop1-country-us", "brd-customer-ID-zone-USER"],
  ["brd-customer-hl1", "brd-customer-ID-zone-USER"],
  ["lum-zone-shop1", "lum-customer-ID-zone-USER"],
  ["customer-shop1-cc-US-postalcode-07102", '"postalcode" is not offered'],
  ["customer-shop1-cc--sessid-x", 'the value of "cc" is empty'],
  ["customer-u1-cc-US", 'the user "u1"'],
  ["customer-", 'the user ""'],
  ["user-customer-country-us", '"customer" is a reserved word'],
  ["user-shop1-country-us-cc-de", '"cc" is given twice'],
  ["package-shop1-country-us-opt-lookalike", '"opt" is not offered'],
  ["bob12", '"streaming" is not offered', "Sec123_streaming-1"],
  ["bob12", "over 24 hours", "Sec123_country-pe_session-abcd1234_lifetime-168h"],
  ["bob12", 'unknown country "UnitedStates"', "Sec_country-UnitedStates"],
  ["bob12", "a key is empty", "Sec__country-us"],
  ["bob12", 'the value of "country" is empty', "Sec_country"],
  ["bob12-country-us", '"country" is given twice', "Sec_country-us"],
  ["login1__cr.us;zip.07102", '"zip" is not offered'],
  ["login1__", "a key is empty"],
  ["login1__cr.us;", "a key is empty"],
  ["login1__cr", 'the value of "cr" is empty'],
  ["log__cr.us", 'the user "log"'],
  ["alice-kountry-us", 'unknown key "kountry"'],
  ["alice-zip-1", 'unknown key "zip"'],
  ["alice-session-a-session-b", '"session" is given twice'],
];

describe("the forms of other vendors", () => {
  test.each(golden)("$dialect: $username is read whole", ({ dialect, username, password = secret, user, ask }) => {
    const login = read(username, password);
    expect(login).toMatchObject({ dialect, user, secret: password.split("_")[0] });
    expect(login.wish).toMatchObject({ kind: "ask", ask: { ...emptyAsk, ...ask } });
  });

  test.each(wrong.map(([username, part, password = secret]) => ({ username, part, password })))(
    "$username is refused with $part",
    (one) => {
      expect(refusalOf(one.username, one.password)).toContain(one.part);
    },
  );

  test("tell the client account where the form names one", () => {
    expect([read("brd-customer-cli_7-zone-shop1").clientId, read("user-shop1").clientId]).toEqual(["cli_7", null]);
  });

  test("tell the user and the secret although a parameter is wrong", () => {
    expect(read("user-shop1-kountry-us")).toMatchObject({ user: "shop1", secret, wish: { kind: "refused", code: "bad_username" } });
    expect(read("bob12", "Sec123_kountry-us")).toMatchObject({ user: "bob12", secret: "Sec123", wish: { kind: "refused" } });
  });
});

/** One wish, and how each form writes it. */
const wishes = fc
  .record(
    {
      country: fc.constantFrom("us", "DE", "uz"),
      state: fc.constantFrom("ny", "bavaria"),
      city: fc.constantFrom("london", "newark"),
      session: fc.stringMatching(/^[A-Za-z0-9]{1,20}$/),
      ttl: fc.constantFrom("5", "30m", "2h"),
      asn: fc.constantFrom("7018", "56386"),
      type: fc.constantFrom("mobile", "wifi"),
      tag: fc.stringMatching(/^[a-z0-9]{1,20}$/),
    },
    { requiredKeys: ["country"] },
  )
  .map((wish) => Object.entries(wish).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, value]])));
const users = fc.stringMatching(/^[a-z0-9]{4,32}$/).filter(isProxyUser);

type Pairs = readonly (readonly [string, string])[];
const dashed = (pairs: Pairs): string => pairs.map(([key, value]) => `-${key}-${value}`).join("");
const writers: readonly ((user: string, pairs: Pairs) => readonly [string, string])[] = [
  (user, pairs) => [`${user}${dashed(pairs)}`, secret],
  (user, pairs) => [`brd-customer-hl1-zone-${user}${dashed(pairs)}`, secret],
  (user, pairs) => [`customer-${user}${dashed(pairs)}`, secret],
  (user, pairs) => [`user-${user}${dashed(pairs)}`, secret],
  (user, pairs) => [`package-${user}${dashed(pairs)}`, secret],
  (user, pairs) => [user, `${secret}${pairs.map(([key, value]) => `_${key}-${value}`).join("")}`],
  (user, pairs) => [`${user}__${pairs.map(([key, value]) => `${key}.${value}`).join(";")}`, secret],
];

describe("every form", () => {
  test("says the same with the same parameters, in any order", () => {
    fc.assert(
      fc.property(users, wishes, fc.integer(), (user, pairs, seed) => {
        const turned = pairs.map((_, at) => pairs[(at + Math.abs(seed)) % pairs.length] ?? (["", ""] as const));
        const logins = writers.map((write) => read(...write(user, turned)));
        const [native] = logins;
        expect(native?.wish.kind).toBe("ask");
        for (const login of logins)
          expect({ user: login.user, secret: login.secret, wish: login.wish }).toEqual({ user, secret, wish: native?.wish });
      }),
      { numRuns: 500 },
    );
  });

  test("refuses one word more that it does not know, wherever it stands", () => {
    fc.assert(
      fc.property(users, wishes, fc.nat(), (user, pairs, place) => {
        const at = place % (pairs.length + 1);
        // A wide value in front would take the word for a part of itself, which is not ignoring it either.
        const isTaken = ["city", "session", "tag"].includes(pairs[at - 1]?.[0] ?? "");
        const spoilt: Pairs = [...pairs.slice(0, at), ["kountry", "x"], ...pairs.slice(at)];
        for (const [index, write] of writers.entries()) {
          const joinsWideValues = index < 5;
          if (isTaken && joinsWideValues) continue;
          expect(refusalOf(...write(user, spoilt))).toContain('unknown key "kountry"');
        }
      }),
      { numRuns: 500 },
    );
  });

  test("leaves no name of a proxy user to another form, whatever it asks for", () => {
    fc.assert(
      fc.property(users, fc.stringMatching(/^(-[A-Za-z0-9_.;]{0,12}){0,6}$/), (user, tail) => {
        expect(read(`${user}${tail}`)).toMatchObject({ dialect: "native", user });
      }),
      { numRuns: 2_000 },
    );
    expect([...reservedUsers].some(isProxyUser)).toBe(false);
  });

  test("never throws, and what it refuses can stand in a header and is short", () => {
    const pieces = fc.constantFrom(
      "brd",
      "lum",
      "customer",
      "zone",
      "user",
      "package",
      "shop1",
      "__",
      "_",
      ";",
      ".",
      "-",
      "cr.us",
      "country",
      "us",
      "session",
      "x",
      "zip",
      "__proto__",
      "constructor",
      " ",
      "%",
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join("-")),
      fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join("")),
      fc.string({ maxLength: 300 }),
    );
    fc.assert(
      fc.property(texts, texts, (username, password) => {
        const login = readProxyLogin(username, password);
        const refusal = login.kind === "refused" ? login : login.wish;
        if (refusal.kind === "refused") expect(refusal.detail).toMatch(/^[\x20-\x7e]{1,200}$/);
        else expect(refusal.ask.session === null || !refusal.ask.rotate).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
