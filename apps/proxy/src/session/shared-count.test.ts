import { noEgressAllow, type Destination } from "@karvon/domain";
import { describe, expect, test } from "vitest";
import { accountFacts } from "../test/account-facts.ts";
import { createAccounts, type UserAccount } from "./accounts.ts";
import { createSessionLimits, SessionSlot, type SessionLimits } from "./session-limits.ts";
import { createSharedCounts, type SharedCounts } from "./shared-count.ts";
import { TargetLimits } from "./target-limits.ts";

interface Process {
  readonly id: number;
  readonly shared: SharedCounts;
  readonly limits: SessionLimits;
  readonly targets: TargetLimits;
  readonly user: UserAccount;
}

let nowMs = 0;

function start(id: number, sessionsMax: number): Process {
  const clock = (): number => nowMs;
  const shared = createSharedCounts();
  const accounts = createAccounts(clock);
  const limits = createSessionLimits({ accounts, shared, nowMs: clock });
  const target = { sessionsMax: 10, sessionsPerSecond: 5, burst: 20, egressAllow: noEgressAllow, monotonicMs: clock };
  const targets = new TargetLimits({ ...target, shared: shared.targets });
  const user = accounts.update({ ...accountFacts, clientConcurrencyMax: sessionsMax });
  for (const count of Object.values(shared)) count.isShared = true;
  return { id, shared, limits, targets, user };
}

/** What the processes tell each other every 100 ms. */
function tell(processes: readonly Process[]): void {
  for (const kind of ["clients", "users", "targets"] as const) {
    for (const from of processes) {
      const news = from.shared[kind].takeNews();
      for (const to of processes) if (to !== from) to.shared[kind].told(from.id, news);
    }
  }
}

/** As many sessions as are let in. */
function openAll({ limits, user, shared }: Process): SessionSlot[] {
  const slots: SessionSlot[] = [];
  while (limits.refuseSession(user) === null) slots.push(new SessionSlot(user, shared));
  return slots;
}

describe("processes that count together", () => {
  test("hold the sessions of an account under one ceiling, and give free what a dead one held", () => {
    const [one, two, three] = [start(1, 100), start(2, 100), start(3, 100)];
    const all = [one, two, three];
    expect(openAll(one)).toHaveLength(100);
    tell(all);
    for (const process of [two, three]) {
      expect(process.limits.refuseSession(process.user)).toMatchObject({
        code: "concurrency_limit",
        detail: "100 of 100 sessions of the account are open",
      });
    }
    for (const process of [two, three]) for (const kind of ["clients", "users", "targets"] as const) process.shared[kind].left(1);
    const slots = openAll(two);
    expect(slots).toHaveLength(100);
    tell([two, three]);
    for (const slot of slots.slice(0, 30)) slot.release();
    tell([two, three]);
    expect(openAll(three)).toHaveLength(30);
  });

  test("tell one who came what is open", () => {
    const [old, fresh] = [start(1, 100), start(2, 100)];
    openAll(old)
      .slice(0, 40)
      .forEach((slot) => slot.release());
    for (const kind of ["clients", "users"] as const) fresh.shared[kind].told(old.id, old.shared[kind].describe());
    expect(openAll(fresh)).toHaveLength(40);
  });

  test("let in no more sessions a second than one would, but for what begins at once", () => {
    const all = [start(1, 500), start(2, 500), start(3, 500)];
    let begun = 0;
    for (let turn = 0; turn < 300; turn += 1) {
      nowMs += 100;
      for (const process of all) {
        const slots = openAll(process);
        begun += slots.length;
        for (const slot of slots) slot.release();
      }
      tell(all);
    }
    // 500 at once and 100 a second for 30 s: what three began in the first turn was paid back since.
    expect(begun).toBeGreaterThan(3_450);
    expect(begun).toBeLessThan(3_560);
  });

  test("hold the sessions to one target under its limit", () => {
    const [one, two] = [start(1, 500), start(2, 500)];
    const target: Destination = { kind: "name", host: "www.shop.example", port: 443 };
    const lanes = Array.from({ length: 7 }, () => one.targets.enter(target));
    tell([one, two]);
    const more = Array.from({ length: 4 }, () => two.targets.enter(target));
    expect(more.map((lane) => (lane !== null && "code" in lane ? lane.code : "in"))).toEqual(["in", "in", "in", "target_throttled"]);
    const [first] = lanes;
    if (first === undefined || first === null || "code" in first) throw new Error("the first is not in");
    one.targets.leave(first);
    tell([one, two]);
    expect(two.targets.enter(target)).toMatchObject({ open: 4 });
  });
});
