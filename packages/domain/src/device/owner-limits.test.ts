import { describe, expect, test } from "vitest";
import {
  type DeviceReading,
  type NotServingReason,
  type OwnerLimits,
  defaultOwnerLimits,
  mayServe,
  readOwnerLimits,
} from "./owner-limits.ts";

const well: DeviceReading & { dayBytes: number } = {
  batteryPercent: 80,
  isCharging: false,
  network: "wifi",
  isMetered: false,
  dayBytes: 0,
};

function check(status: Partial<typeof well>, limits: Partial<OwnerLimits>, expected: NotServingReason | null): void {
  const decision = mayServe({ ...well, ...status }, { ...defaultOwnerLimits, ...limits });
  expect(decision, JSON.stringify({ status, limits })).toEqual({ accepting: expected === null, reason: expected });
}

describe("owner's limits", () => {
  test("a device without limits serves on any network", () => {
    for (const network of ["wifi", "cellular", "ethernet", "unknown"] as const) check({ network }, {}, null);
  });

  test("Wi-Fi only refuses mobile, unknown and metered networks, and takes a cable", () => {
    check({ network: "cellular" }, { wifiOnly: true }, "not_on_wifi");
    check({ network: "unknown" }, { wifiOnly: true }, "not_on_wifi");
    check({ isMetered: true }, { wifiOnly: true }, "metered_network");
    check({ network: "ethernet", isMetered: null }, { wifiOnly: true }, null);
    check({ isMetered: true }, { wifiOnly: false }, null);
  });

  test("a low battery stops service unless it charges; a device without battery serves", () => {
    check({ batteryPercent: 20 }, { minBatteryPercent: 20 }, null);
    check({ batteryPercent: 19 }, { minBatteryPercent: 20 }, "battery_low");
    check({ batteryPercent: 19, isCharging: null }, { minBatteryPercent: 20 }, "battery_low");
    check({ batteryPercent: 19, isCharging: true }, { minBatteryPercent: 20 }, null);
    check({ batteryPercent: null, isCharging: null }, { minBatteryPercent: 100 }, null);
    check({ batteryPercent: 0 }, { minBatteryPercent: 0 }, null);
  });

  test("the daily limit stops service at the byte that reaches it", () => {
    check({ dayBytes: 999 }, { dailyLimitBytes: 1_000 }, null);
    check({ dayBytes: 1_000 }, { dailyLimitBytes: 1_000 }, "daily_limit");
    check({}, { dailyLimitBytes: 0 }, "daily_limit");
  });

  test("limits are read in the owner's units and refuse nonsense", () => {
    expect(readOwnerLimits({ dailyMb: 500, wifiOnly: true })).toEqual({
      kind: "limits",
      limits: { wifiOnly: true, minBatteryPercent: 20, dailyLimitBytes: 500_000_000 },
    });
    for (const bad of [{ dailyMb: -1 }, { dailyMb: Number.NaN }, { minBatteryPercent: 101 }, { minBatteryPercent: 1.5 }]) {
      expect(readOwnerLimits(bad).kind, JSON.stringify(bad)).toBe("bad");
    }
  });
});
