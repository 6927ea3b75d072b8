import { describe, expect, test } from "vitest";
import { idTimeMs, isId, newId } from "./ids.ts";

describe("ids", () => {
  test("are of the kind that they were made for, and of no other", () => {
    const id = newId("ses");
    expect(isId("ses", id)).toBe(true);
    expect(isId("nod", id)).toBe(false);
    expect(isId("ses", `${id}x`)).toBe(false);
    expect(isId("ses", id.toUpperCase())).toBe(false);
  });

  test("sort by the millisecond in which they were made, and tell it", () => {
    const times = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1];
    const ids = times.map((nowMs) => newId("nod", nowMs));
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.map(idTimeMs)).toEqual(times);
  });

  test("never repeat, over many refills of the random block", () => {
    const ids = new Set(Array.from({ length: 20_000 }, () => newId("ord", 5)));
    expect(ids.size).toBe(20_000);
  });

  test("use every letter of the alphabet in the random part", () => {
    const letters = new Set(Array.from({ length: 2_000 }, () => newId("ord", 5).slice(14)).join(""));
    expect(letters.size).toBe(32);
  });
});
