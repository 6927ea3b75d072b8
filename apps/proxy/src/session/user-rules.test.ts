import { type Ask, emptyAsk } from "@karvon/domain";
import { describe, expect, test } from "vitest";
import { readUserRules } from "./user-rules.ts";

const free = { username: "user", countries: [], allowedSources: [], allowedHosts: [] };
const codeOf = (answer: object | null): unknown => (answer !== null && "code" in answer ? answer.code : null);

test("a user without rules may do everything", () => {
  const rules = readUserRules(free);
  expect([rules.refuseSource("192.0.2.1"), rules.refuseHost("example.com"), rules.narrow(emptyAsk)]).toEqual([null, null, emptyAsk]);
});

test.each([
  ["192.0.2.7", null],
  ["::ffff:192.0.2.7", null],
  ["2001:db8::1", null],
  ["192.0.3.7", "source_ip_denied"],
  ["2001:db9::1", "source_ip_denied"],
  ["", "source_ip_denied"],
])("from %j it is %s", (address, code) => {
  const rules = readUserRules({ ...free, allowedSources: ["192.0.2.0/24", "2001:db8::/32"] });
  expect(codeOf(rules.refuseSource(address))).toBe(code);
});

test.each([
  ["example.com", null],
  ["WWW.Example.com.", null],
  ["198.51.100.9", null],
  ["notexample.com", "host_not_allowed"],
  ["example.com.evil.test", "host_not_allowed"],
  ["com", "host_not_allowed"],
  ["203.0.113.1", "host_not_allowed"],
])("to %j it is %s", (host, code) => {
  const rules = readUserRules({ ...free, allowedHosts: ["example.com", "198.51.100.0/24"] });
  expect(codeOf(rules.refuseHost(host))).toBe(code);
});

test("a rule that cannot be read allows nothing", () => {
  const rules = readUserRules({ ...free, allowedSources: ["nonsense"], allowedHosts: ["300.0.0.0/8"] });
  expect([codeOf(rules.refuseSource("192.0.2.1")), codeOf(rules.refuseHost("example.com"))]).toEqual([
    "source_ip_denied",
    "host_not_allowed",
  ]);
});

test.each([
  ["192.0.2.7", "www.example.com", "DE", null],
  ["192.0.3.7", "www.example.com", "DE", "source_ip_denied"],
  [null, "www.example.com", "DE", "source_ip_denied"],
  ["192.0.2.7", "example.org", "DE", "host_not_allowed"],
  ["192.0.2.7", "www.example.com", "UZ", "country_not_offered"],
  ["192.0.2.7", "www.example.com", null, "country_not_offered"],
])("an open session from %j to %j through %j is %s", (clientAddress, targetHost, exitCountry, code) => {
  const rules = readUserRules({ ...free, allowedSources: ["192.0.2.0/24"], allowedHosts: ["example.com"], countries: ["DE"] });
  expect(codeOf(rules.refuseSession({ clientAddress, targetHost, exitCountry }))).toBe(code);
  expect(readUserRules(free).refuseSession({ clientAddress, targetHost, exitCountry })).toBeNull();
});

describe("within the countries DE and UZ", () => {
  const rules = readUserRules({ ...free, countries: ["DE", "UZ"] });
  test.each<[string, Partial<Ask>, Partial<Ask> | string]>([
    ["any country is one of them", {}, { countries: ["DE", "UZ"] }],
    ["one of them stays", { countries: ["UZ"] }, { countries: ["UZ"] }],
    ["of several those stay that are offered", { countries: ["AT", "UZ"] }, { countries: ["UZ"] }],
    ["another is not offered", { countries: ["AT"] }, "country_not_offered"],
    ["nothing widens beyond them", { countries: ["UZ"], widening: "any" }, { countries: ["UZ"], widening: "country" }],
    ["a smaller widening stays", { countries: ["UZ"], widening: "state" }, { countries: ["UZ"], widening: "state" }],
  ])("%s", (_what, ask, answer) => {
    const narrowed = rules.narrow({ ...emptyAsk, ...ask });
    expect(narrowed).toMatchObject(typeof answer === "string" ? { code: answer } : answer);
  });
});
