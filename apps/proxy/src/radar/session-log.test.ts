import type { UsageBatch, UsageSample } from "@karvon/billing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accountFacts } from "../test/account-facts.ts";
import { createAccounts, freeBytes, type UserAccount } from "../session/accounts.ts";
import { createSessionLog, type LiveSession, type SessionLog } from "./session-log.ts";

interface Meter {
  upBytes: number;
  downBytes: number;
}

function makeUser(balanceBytes = 1_000_000n): UserAccount {
  return createAccounts(() => 0).update({ ...accountFacts, balanceBytes });
}

function makeLog(): SessionLog {
  return createSessionLog({ nowMs: () => 1_000, monotonicMs: () => 0, unpostedSessionsMax: 3 });
}

/** A closed session's stream is gone: nothing moves on it any more. */
function grow(session: { live: LiveSession; meter: Meter } | undefined, by: { up: number; down: number }): void {
  if (session === undefined || session.live.closedAtMs !== null) return;
  session.meter.upBytes += by.up;
  session.meter.downBytes += by.down;
}

let lastId = 0;
function openSession(log: SessionLog, user: UserAccount): { live: LiveSession; meter: Meter } {
  lastId += 1;
  const meter = { upBytes: 0, downBytes: 0, heldBytes: 0 };
  const live = log.open({
    user,
    stream: meter,
    maxBytes: null,
    targetAddress: "192.0.2.1",
    tag: null,
    line: { cut: () => undefined, spendFrom: () => undefined },
    facts: {
      id: `ses_${lastId}`,
      openedAtMs: 1_000,
      clientId: "cli",
      proxyUserId: "pxu",
      operatorId: "opr",
      nodeId: "nod",
      priceId: "prc",
      protocol: "connect",
      targetHost: "example.com",
      targetPort: 443,
      clientAddress: null,
      hasPassword: true,
      exitAddress: null,
      exitCountry: null,
      exitCity: null,
      exitAsn: null,
      connectionType: null,
      stickySession: null,
      tag: null,
      connectMs: null,
      failedAttempts: 0,
    },
  });
  return { live, meter };
}

function batchOf(sample: UsageSample | null): UsageBatch {
  return { gatewayId: "gwy", epoch: 1n, seq: 1n, sampledAtMs: 1_000, ...(sample ?? { opened: [], counters: [] }) };
}
const receipt = { balances: [], postedBytes: 0n, duplicate: false, unknownSessionIds: [] };

describe("the session log", () => {
  test("hands facts over once and counters as totals, and nothing when nothing moved", () => {
    const log = makeLog();
    const { live, meter } = openSession(log, makeUser());
    meter.upBytes = 10;
    const first = log.collect();
    expect(first?.opened.map((facts) => facts.id)).toEqual([live.facts.id]);
    expect(first?.counters).toEqual([{ id: live.facts.id, openedAtMs: 1_000, upBytes: 10, downBytes: 0 }]);
    expect(log.collect()).toBeNull();
    meter.downBytes = 5;
    expect(log.collect()).toEqual({ opened: [], counters: [{ id: live.facts.id, openedAtMs: 1_000, upBytes: 10, downBytes: 5 }] });
    log.close(live, "finished");
    expect(log.collect()?.counters).toEqual([
      { id: live.facts.id, openedAtMs: 1_000, upBytes: 10, downBytes: 5, closedAtMs: 1_000, closeReason: "finished" },
    ]);
    expect(log.collect()).toBeNull();
  });

  test("lowers the free balance with every byte, and gives back only what the ledger has taken", () => {
    const log = makeLog();
    const user = makeUser(100n);
    const { meter } = openSession(log, user);
    meter.upBytes = 30;
    log.measure();
    expect(freeBytes(user.client)).toBe(70);
    const batch = batchOf(log.collect());
    meter.downBytes = 20;
    log.measure();
    log.posted(batch, receipt);
    user.client.balanceBytes = 70;
    expect({ free: freeBytes(user.client), unposted: log.unpostedBytes, used: user.usedBytes }).toEqual({
      free: 50,
      unposted: 20,
      used: 30,
    });
  });

  test("says everything again about a session that the ledger does not know", () => {
    const log = makeLog();
    const { live, meter } = openSession(log, makeUser());
    meter.upBytes = 7;
    log.close(live, "finished");
    const batch = batchOf(log.collect());
    log.posted(batch, { ...receipt, unknownSessionIds: [live.facts.id] });
    expect(log.unpostedBytes).toBe(7);
    const again = log.collect();
    expect(again).toEqual({ opened: batch.opened, counters: batch.counters });
    log.posted(batchOf(again), receipt);
    expect(log.unpostedBytes).toBe(0);
  });

  test("takes a session back only before a batch named it", () => {
    const log = makeLog();
    const user = makeUser();
    const early = openSession(log, user);
    early.meter.upBytes = 9;
    expect(log.waive(early.live)).toBe(true);
    expect({ sample: log.collect(), unposted: log.unpostedBytes, pending: user.pendingBytes }).toEqual({
      sample: null,
      unposted: 0,
      pending: 0,
    });
    const late = openSession(log, user);
    log.collect();
    expect(log.waive(late.live)).toBe(false);
  });

  test("is full when too many closed sessions wait for the ledger, and has room again when they are posted", () => {
    const log = makeLog();
    for (let i = 0; i < 3; i += 1) log.close(openSession(log, makeUser()).live, "finished");
    expect(log.isFull).toBe(true);
    log.posted(batchOf(log.collect()), receipt);
    expect(log.isFull).toBe(false);
  });

  test("whatever grows, closes and is posted in whatever order: the ledger hears every byte once", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("open" as const) }),
      fc.record({ kind: fc.constant("grow" as const), which: fc.nat(9), up: fc.nat(1_000), down: fc.nat(1_000) }),
      fc.record({ kind: fc.constant("close" as const), which: fc.nat(9) }),
      fc.record({ kind: fc.constant("collect" as const) }),
      fc.record({ kind: fc.constant("post" as const) }),
      fc.record({ kind: fc.constant("measure" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const log = createSessionLog({ nowMs: () => 1_000, monotonicMs: () => 0, unpostedSessionsMax: 1_000 });
        const user = makeUser();
        const sessions: { live: LiveSession; meter: Meter }[] = [];
        const waiting: UsageBatch[] = [];
        const ledger = new Map<string, number>();
        const named = new Set<string>();
        const collect = (): void => {
          const sample = log.collect();
          if (sample !== null) waiting.push(batchOf(sample));
        };
        const post = (): void => {
          const batch = waiting.shift();
          if (batch === undefined) return;
          for (const { id } of batch.opened) named.add(id);
          for (const { id, upBytes, downBytes } of batch.counters) {
            expect(named.has(id)).toBe(true);
            ledger.set(id, upBytes + downBytes);
          }
          log.posted(batch, receipt);
        };
        const acts: Readonly<Record<string, (chosen: { live: LiveSession } | undefined) => void>> = {
          open: () => void sessions.push(openSession(log, user)),
          close: (chosen) => chosen !== undefined && log.close(chosen.live, "finished"),
          collect,
          post,
          measure: () => log.measure(),
        };
        for (const one of steps) {
          acts[one.kind]?.("which" in one ? sessions[one.which % Math.max(1, sessions.length)] : undefined);
          if (one.kind === "grow") grow(sessions[one.which % Math.max(1, sessions.length)], one);
        }
        collect();
        while (waiting.length > 0) post();
        const moved = sessions.reduce((sum, { meter }) => sum + meter.upBytes + meter.downBytes, 0);
        expect([...ledger.values()].reduce((sum, bytes) => sum + bytes, 0)).toBe(moved);
        expect({ pending: user.pendingBytes, unposted: log.unpostedBytes, used: user.usedBytes }).toEqual({
          pending: 0,
          unposted: 0,
          used: moved,
        });
      }),
      { numRuns: 300 },
    );
  });
});
