import { describe, expect, test } from "vitest";
import { createFakeClock, until } from "./index.ts";

describe("until", () => {
  test("answers with the first real answer, past errors and empty answers", async () => {
    const answers = [null, undefined, false, new Error("not yet"), 0];
    const answer = await until(() => {
      const next = answers.shift();
      if (next instanceof Error) throw next;
      return next;
    });
    expect(answer).toBe(0);
  });

  test("says what did not come true, and why", async () => {
    const failure = await until(() => Promise.reject(new Error("still wrong")), { timeoutMs: 30, what: "the page" }).catch(
      (cause: unknown) => cause,
    );
    expect(failure).toMatchObject({ message: "the page did not come true within 30 ms", cause: { message: "still wrong" } });
  });
});

describe("fake clock", () => {
  test("runs timers in order, each at its own instant, including those that timers set", async () => {
    const clock = createFakeClock(1_000);
    const seen: [string, number][] = [];
    clock.setTimer(30, () => seen.push(["late", clock.nowMs()]));
    clock.setTimer(10, () => {
      seen.push(["early", clock.nowMs()]);
      clock.setTimer(5, () => seen.push(["nested", clock.nowMs()]));
    });
    const cancel = clock.setTimer(20, () => seen.push(["cancelled", clock.nowMs()]));
    cancel();
    await clock.advance(100);
    expect(seen).toEqual([
      ["early", 1_010],
      ["nested", 1_015],
      ["late", 1_030],
    ]);
    expect(clock.nowMs()).toBe(1_100);
  });
});
