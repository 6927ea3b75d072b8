import { mayServe } from "@karvon/domain";
import { expect, test } from "vitest";
import { createLivingDevice } from "./living-device.ts";
import { fleet } from "./members.ts";

test("a demo battery falls and rises for ever and never leaves the rotation", async () => {
  const limits = { wifiOnly: false, minBatteryPercent: 15, dailyLimitBytes: null };
  for (const member of fleet) {
    const device = createLivingDevice(member);
    const seen = new Set<number | null>();
    for (let i = 0; i < 500; i += 1) {
      device.step();
      const reading = await device.source.read();
      seen.add(reading.batteryPercent);
      expect(mayServe({ ...reading, dayBytes: 0 }, limits).accepting, member.label).toBe(true);
    }
    expect(seen.size, member.label).toBeGreaterThan(member.batteryPercent === null ? 0 : 50);
  }
});
