/**
 * A device whose battery lives: down a percent every so often, up again once it is on the charger at 30 %, off at 95 %.
 * It never falls low enough to leave the rotation, so the demo's countries stay available.
 */
import { type FixedDevice, createFixedDevice } from "@karvon/agent";
import type { FleetMember } from "./members.ts";

const plugInAtPercent = 30;
const unplugAtPercent = 95;
const readEveryMs = 5_000;

export interface LivingDevice {
  readonly source: FixedDevice;
  /** A step in the device's life: one percent up or down. */
  step(): void;
}

export function createLivingDevice(member: FleetMember): LivingDevice {
  let percent = member.batteryPercent;
  let isCharging = percent === null ? null : percent >= unplugAtPercent;
  const source = createFixedDevice(
    { batteryPercent: percent, isCharging, network: member.network, isMetered: member.network === "cellular" },
    readEveryMs,
  );
  return {
    source,
    step() {
      if (percent === null) return;
      if (percent <= plugInAtPercent) isCharging = true;
      if (percent >= unplugAtPercent) isCharging = false;
      percent = Math.min(100, Math.max(0, percent + (isCharging === true ? 1 : -1)));
      source.set({ batteryPercent: percent, isCharging });
    },
  };
}
