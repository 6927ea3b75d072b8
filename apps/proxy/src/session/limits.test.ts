import { describe, expect, test } from "vitest";
import { accountFacts } from "../test/account-facts.ts";
import { accountRefusal, createAccounts } from "./accounts.ts";
import { createSessionLimits, type SessionLimits, SessionSlot } from "./session-limits.ts";
import { createSharedCounts } from "./shared-count.ts";
import { plainAddress, sourceKey } from "./source-key.ts";
import { createTokenBuckets } from "./token-buckets.ts";

const shared = createSharedCounts();

function limitsAt(nowMs: () => number): SessionLimits {
  return createSessionLimits({ accounts: createAccounts(nowMs), shared, nowMs });
}

describe("token buckets", () => {
  test("give the burst at once and the rate afterwards, each key its own", () => {
    let nowMs = 0;
    const buckets = createTokenBuckets({ burst: 3, perSecond: 2, keysMax: 10, nowMs: () => nowMs });
    expect([1, 2, 3, 4].map(() => buckets.take("a"))).toEqual([true, true, true, false]);
    expect(buckets.take("b")).toBe(true);
    nowMs = 500;
    expect([buckets.has("a"), buckets.take("a"), buckets.take("a")]).toEqual([true, true, false]);
    nowMs = 60_000;
    expect([1, 2, 3, 4].map(() => buckets.take("a"))).toEqual([true, true, true, false]);
  });

  test("remember no more keys than their maximum, and a clock that goes back takes nothing away", () => {
    let nowMs = 1_000;
    const buckets = createTokenBuckets({ burst: 1, perSecond: 1, keysMax: 5, nowMs: () => nowMs });
    for (let i = 0; i < 100; i += 1) buckets.take(`key${i}`);
    expect(buckets.size).toBe(5);
    nowMs = 0;
    expect(buckets.has("fresh")).toBe(true);
  });
});

describe("session limits", () => {
  test("allow 500 sessions at once and 100 a second, or as many as a larger ceiling", () => {
    let nowMs = 0;
    const limits = limitsAt(() => nowMs);
    const user = createAccounts(() => 0).update(accountFacts);
    const granted = (): number =>
      Array.from({ length: 30_000 }, () => limits.refuseSession(user)).filter((refusal) => refusal === null).length;
    expect(granted()).toBe(500);
    expect(limits.refuseSession(user)?.code).toBe("rate_limited");
    nowMs = 1_000;
    expect(granted()).toBe(100);
    user.client.sessionsMax = 20_000;
    expect(granted()).toBe(20_000);
  });

  test("count a session from its reservation and give it back once", () => {
    const limits = limitsAt(() => 0);
    const user = createAccounts(() => 0).update({ ...accountFacts, concurrencyMax: 1 });
    const slot = new SessionSlot(user, shared);
    expect(limits.refuseSession(user)?.code).toBe("concurrency_limit");
    slot.release();
    slot.release();
    expect(user.sessionsOpen).toBe(0);
    expect(limits.refuseSession(user)).toBeNull();
  });
});

describe("accounts", () => {
  test("take the database's balance only while nothing is pending", () => {
    const accounts = createAccounts(() => 0);
    const user = accounts.update(accountFacts);
    user.client.pendingBytes = 10;
    accounts.update({ ...accountFacts, balanceBytes: 5_000n });
    expect(user.client.balanceBytes).toBe(100);
    user.client.pendingBytes = 0;
    accounts.update({ ...accountFacts, balanceBytes: 5_000n });
    expect(user.client.balanceBytes).toBe(5_000);
  });

  test.each([
    ["a suspended client", { isClientActive: false }, "account_suspended"],
    ["a disabled user", { isEnabled: false }, "user_disabled"],
    ["an empty balance", { balanceBytes: 0n }, "balance_exhausted"],
    ["an overdrawn balance", { balanceBytes: -5n }, "balance_exhausted"],
    ["a limit that is reached", { trafficLimitBytes: 10n, usedBytes: 10n }, "limit_reached"],
    ["a limit with room", { trafficLimitBytes: 11n, usedBytes: 10n }, undefined],
  ])("%s is answered as it stands", (_what, change, code) => {
    expect(accountRefusal(createAccounts(() => 0).update({ ...accountFacts, ...change }))?.code).toBe(code);
  });

  test("are forgotten when idle, never while they owe a session or bytes", () => {
    let nowMs = 0;
    const accounts = createAccounts(() => nowMs);
    const user = accounts.update(accountFacts);
    user.client.pendingBytes = 1;
    nowMs = 3_600_000;
    accounts.sweep();
    expect([...accounts.clients.values()]).toHaveLength(1);
    user.client.pendingBytes = 0;
    accounts.sweep();
    accounts.sweep();
    expect([...accounts.clients.values()]).toHaveLength(0);
  });
});

test("a source is an IPv4 address or an IPv6 /64", () => {
  expect(["192.0.2.1", "2001:db8::1", "2001:db8:0:0:ffff::9", "::1"].map(sourceKey)).toEqual([
    "192.0.2.1",
    "2001:db8:0:0::/64",
    "2001:db8:0:0::/64",
    "0:0:0:0::/64",
  ]);
  expect([plainAddress("::ffff:192.0.2.1"), plainAddress("::1"), plainAddress(undefined)]).toEqual(["192.0.2.1", "::1", ""]);
});
