import { expect, test } from "vitest";
import { reconnectDelayMs } from "./reconnect-delay.ts";

test("waits grow with failures, stay under 30 s and may be nearly nothing", () => {
  expect(reconnectDelayMs("failed", 1, 0)).toBe(0);
  expect(reconnectDelayMs("failed", 1, 0.999)).toBeLessThanOrEqual(1_000);
  expect(reconnectDelayMs("failed", 3, 0.999)).toBeGreaterThan(reconnectDelayMs("failed", 1, 0.999));
  expect(reconnectDelayMs("failed", 1_000, 0.999)).toBeLessThanOrEqual(30_000);
});

test("a refused device never hurries and never waits more than five minutes", () => {
  for (const why of ["refused", "replaced"] as const) {
    expect(reconnectDelayMs(why, 1, 0)).toBeGreaterThanOrEqual(15_000);
    expect(reconnectDelayMs(why, 50, 0.999)).toBeLessThanOrEqual(300_000);
  }
});

test("a gateway that restarts is dialled again within a second", () => {
  expect(reconnectDelayMs("invited", 9, 0.999)).toBeLessThan(1_000);
});
