import { emptyAsk, europeanUnion, isProxyUser } from "@karvon/domain";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readProxyUsername } from "./proxy-username.ts";

const detailOf = (text: string): string => {
  const answer = readProxyUsername(text);
  return answer.kind === "refused" ? `${answer.code}: ${answer.detail}` : "target";
};

describe("readProxyUsername", () => {
  test("takes a bare user as: any exit, a new one per connection", () => {
    expect(readProxyUsername("demo")).toEqual({ kind: "target", dialect: "native", user: "demo", ask: emptyAsk });
  });

  test.each([
    ["alice-country-de-session-s1-lifetime-10", { countries: ["DE"], session: { id: "s1", isHard: false }, ttlMs: 600_000, rotate: false }],
    [
      "alice-country-us.ca-type-mobile-session-cart-77-ttl-2h-strict-city-tag-crawler-a",
      {
        countries: ["US", "CA"],
        type: "mobile",
        session: { id: "cart-77", isHard: false },
        ttlMs: 7_200_000,
        tag: "crawler-a",
        widening: "none",
      },
    ],
    ["alice-country-us-rotate", { countries: ["US"], rotate: true }],
    ["alice-session-country", { session: { id: "country", isHard: false } }],
    ["alice-hardsession-a-idle-30", { session: { id: "a", isHard: true }, idleMs: 30_000 }],
    ["alice-session_iplock-a", { session: { id: "a", isHard: true } }],
    ["alice-cc-US-city-new_york-sessid-abc123", { countries: ["US"], city: "newyork", session: { id: "abc123", isHard: false } }],
    ["alice-cc-US-st-us_california", { state: "california" }],
    ["alice-cc-us-city-new+york-sessionlength-90", { city: "newyork", ttlMs: 90_000 }],
    ["alice-cc-gb-city-stoke-on-trent-type-wifi", { city: "stokeontrent", type: "wifi" }],
    ["alice-COUNTRY-UZ-Type-MOBILE", { countries: ["UZ"], type: "mobile" }],
    ["alice-country-eu", { countries: europeanUnion }],
    ["alice-country-uk.gb", { countries: ["GB"] }],
    ["alice-asn-56386-isp-uz-telecom-carrier-beeline", { asn: 56_386, isp: "uztelecom", carrier: "beeline" }],
    ["alice-country-us-state-ny-city-albany-fallback-state", { widening: "state" }],
    ["alice-ttl-30s", { ttlMs: 30_000 }],
    ["alice-ttl-1d", { ttlMs: 86_400_000 }],
    ["alice-uniq-g1-max-250", { uniq: "g1", maxBytes: 250_000_000 }],
  ])("reads %s", (text, ask) => {
    expect(readProxyUsername(text)).toMatchObject({ kind: "target", user: "alice", ask });
  });

  test.each([
    ["", "empty"],
    ["abc", '"abc"'],
    ["Alice", '"Alice"'],
    ["al_ice", '"al_ice"'],
    ["customer-u1-cc-US", 'the user "u1"'],
    ["user-package-country-us", '"package" is a reserved word'],
    ["auto", '"auto" is a reserved word'],
    ["groups-x,session-y", '"groups" is a reserved word'],
    ["alice-", "a key is empty"],
    ["alice--country-us", "a key is empty"],
    ["alice-kountry-us", 'unknown key "kountry"'],
    ["alice-country", 'the value of "country" is empty'],
    ["alice-cc--sessid-x", 'the value of "cc" is empty'],
    ["alice-session-a-session-b", '"session" is given twice'],
    ["alice-country-us-cc-de", '"cc" is given twice'],
    ["alice-session-a-hardsession-b", '"hardsession" is given twice'],
    ["alice-ttl-5m-sessionlength-90", '"sessionlength" is given twice'],
    ["alice-strict-city-fallback-any", '"fallback" is given twice'],
    ["alice-rotate-rotate", "rotate is given twice"],
    ["alice-rotate-session-a", "contradict"],
    ["alice-country-UnitedStates", 'unknown country "UnitedStates"'],
    ["alice-country-zz", 'unknown country "zz"'],
    ["alice-country-us.", 'unknown country ""'],
    ["alice-city-berlin", '"city" needs exactly one country'],
    ["alice-country-us.de-state-x", '"state" needs exactly one country'],
    ["alice-country-us-city-...", 'city "..." is not a name'],
    ["alice-type-5g", 'unknown type "5g"'],
    ["alice-session-a b", 'session "a b"'],
    [`alice-session-${"x".repeat(65)}`, "is not 1 to 64"],
    [`alice-tag-${"x".repeat(33)}`, "is not 1 to 32"],
    ["alice-ttl-0", 'ttl "0"'],
    ["alice-ttl-25h", "over 24 hours"],
    ["alice-ttl-soon", 'ttl "soon"'],
    ["alice-idle-0", 'idle "0"'],
    ["alice-asn-as1", 'asn "as1"'],
    ["alice-asn-4294967296", "autonomous"],
    ["alice-max-0", 'max "0"'],
    ["alice-strict-country", 'unknown strict "country"'],
    ["alice-fallback-city", 'unknown fallback "city"'],
    ["alice-country-us\r\nX: y", "printable ASCII"],
    ["alice-tag-é", "printable ASCII"],
    ["a".repeat(256), "longer than 255"],
  ])("refuses %j and names the part", (text, part) => {
    expect(detailOf(text)).toMatch(/^bad_username: /);
    expect(detailOf(text)).toContain(part);
  });

  test("never throws, and what it refuses can stand in a header", () => {
    const words = fc.constantFrom(
      "alice",
      "country",
      "us",
      "session",
      "cart",
      "1",
      "ttl",
      "10m",
      "",
      "city",
      "rotate",
      "x",
      "fallback",
      "any",
      "__proto__",
      "constructor",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(words, { maxLength: 12 }).map((parts) => parts.join("-")),
          fc.string({ maxLength: 300 }),
        ),
        (text) => {
          const answer = readProxyUsername(text);
          if (answer.kind === "refused") expect(answer.detail).toMatch(/^[\x20-\x7e]{1,200}$/);
          else expect(answer.ask.session === null || !answer.ask.rotate).toBe(true);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("takes names for proxy users that no other form begins with", () => {
    expect(["demo", "abcd1234"].every(isProxyUser)).toBe(true);
    expect(["abc", "Demo", "user", "session", "a-bcd", "x".repeat(33)].some(isProxyUser)).toBe(false);
  });
});
