import { describe, expect, test } from "vitest";
import { createSwitchboard, leaderOf, type MemberFacts, readFromMember, readToMember, type Seat, type ToMember } from "./index.ts";

const board = (unreadMax?: number) =>
  createSwitchboard({ linkFolder: "/links", linkSecret: "secret", ...(unreadMax === undefined ? {} : { unreadMax }) });

interface Joined {
  readonly seat: Seat;
  readonly got: ToMember[];
  readonly handles: unknown[];
  readonly stuck: () => number;
}

function join(switchboard: ReturnType<typeof board>, isReading = true): Joined {
  const got: ToMember[] = [];
  const handles: unknown[] = [];
  let stuck = 0;
  const seat = switchboard.join({
    opsPort: null,
    post(frame, handle, done) {
      got.push(frame);
      handles.push(handle);
      if (isReading) done();
    },
    onStuck: () => (stuck += 1),
  });
  seat.receive({ switchboard: "hello" }, undefined);
  return { seat, got, handles, stuck: () => stuck };
}

describe("the switchboard", () => {
  test("welcomes a process with who is here, and tells the others of it", () => {
    const switchboard = board();
    const first = join(switchboard);
    const second = join(switchboard);
    expect(first.got[0]).toMatchObject({ switchboard: "welcome", id: 1, seat: 0, members: [{ id: 1 }] });
    expect(second.got[0]).toMatchObject({ switchboard: "welcome", id: 2, seat: 1, members: [{ id: 1 }, { id: 2 }] });
    expect(first.got[1]).toEqual({ switchboard: "member", member: { id: 2, isServing: false, isRetiring: false } });
  });

  test("gives the lowest free seat and never an id twice", () => {
    const switchboard = board();
    const first = join(switchboard);
    join(switchboard);
    first.seat.leave();
    expect(join(switchboard).got[0]).toMatchObject({ id: 3, seat: 0 });
  });

  test("passes letters to one or to everybody else, with what came along, and never to who has not said hello", () => {
    const switchboard = board();
    const [first, second, third] = [join(switchboard), join(switchboard), join(switchboard)];
    const silent: ToMember[] = [];
    switchboard.join({ opsPort: null, post: (frame) => silent.push(frame), onStuck: () => undefined });
    const handle = { fd: 1 };
    first.seat.receive({ switchboard: "letter", to: 2, body: "one" }, handle);
    first.seat.receive({ switchboard: "letter", to: null, body: "all" }, undefined);
    first.seat.receive({ switchboard: "letter", to: 77, body: "nobody" }, undefined);
    const letters = (joined: Joined): unknown[] => joined.got.filter((frame) => frame.switchboard === "letter");
    expect(letters(second)).toEqual([
      { switchboard: "letter", from: 1, body: "one" },
      { switchboard: "letter", from: 1, body: "all" },
    ]);
    expect(second.handles).toContain(handle);
    expect(letters(third)).toHaveLength(1);
    expect(letters(first)).toEqual([]);
    expect(silent).toEqual([]);
  });

  test("tells of every change of standing and of everybody who left", () => {
    const switchboard = board();
    const first = join(switchboard);
    const second = join(switchboard);
    second.seat.receive({ switchboard: "serving" }, undefined);
    second.seat.receive({ switchboard: "retiring" }, undefined);
    second.seat.leave();
    second.seat.leave();
    expect(first.got.slice(2)).toEqual([
      { switchboard: "member", member: { id: 2, isServing: true, isRetiring: false } },
      { switchboard: "member", member: { id: 2, isServing: true, isRetiring: true } },
      { switchboard: "left", id: 2 },
    ]);
  });

  test("gives up a process that reads nothing, once", () => {
    const switchboard = board(3);
    const first = join(switchboard);
    const stuck = join(switchboard, false);
    for (let sent = 0; sent < 10; sent += 1) first.seat.receive({ switchboard: "letter", to: 2, body: sent }, undefined);
    expect(stuck.stuck()).toBe(1);
    expect(stuck.got).toHaveLength(3);
  });

  test("ignores whatever is not one of its frames", () => {
    const switchboard = board();
    const first = join(switchboard);
    const second = join(switchboard);
    for (const noise of [null, 1, "hello", [], {}, { switchboard: "letter" }, { switchboard: "letter", to: -1 }, { type: "ready" }])
      second.seat.receive(noise, undefined);
    expect(first.got).toHaveLength(2);
  });
});

describe("frames", () => {
  const welcome = {
    switchboard: "welcome",
    id: 1,
    seat: 0,
    opsPort: 9464,
    linkFolder: "/l",
    linkSecret: "s",
    members: [{ id: 1, isServing: true, isRetiring: false }],
  };

  test("are read whole or not at all", () => {
    expect(readToMember(welcome)).toEqual(welcome);
    for (const field of Object.keys(welcome)) expect(readToMember({ ...welcome, [field]: {} }), field).toBeNull();
    expect(readToMember({ switchboard: "retire" })).toEqual({ switchboard: "retire" });
    expect(readToMember({ switchboard: "left", id: 1.5 })).toBeNull();
    expect(readFromMember({ switchboard: "welcome" })).toBeNull();
  });
});

describe("leaderOf", () => {
  const member = (id: number, isServing: boolean, isRetiring = false): MemberFacts => ({ id, isServing, isRetiring });

  test.each([
    [[member(3, true), member(2, true)], 2],
    [[member(2, true), member(1, false)], 1],
    [[member(1, true, true), member(2, false)], 2],
    [[member(2, true, true), member(1, true, true)], 1],
    [[], null],
  ])("is the longest-living that stays: %j", (members, leader) => {
    expect(leaderOf(members)).toBe(leader);
  });
});
