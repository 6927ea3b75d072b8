/**
 * Where battery and network readings come from: Termux on Android, /sys and /proc on Linux, or what the owner says.
 *
 * Elsewhere (macOS, Windows) both are unknown: the device then serves unless a limit needs what cannot be told.
 * Readings are cheap on Linux (every 10 s) and cost a process each on Termux (every 30 s).
 */
import type { DeviceReading } from "@karvon/domain";
import { readLinuxDevice } from "./linux-device.ts";
import { readTermuxDevice } from "./termux-device.ts";

export interface DeviceSource {
  /** Never rejects; what it cannot tell is null or unknown. */
  read(): Promise<DeviceReading>;
  readonly everyMs: number;
}

export const unknownReading: DeviceReading = { batteryPercent: null, isCharging: null, network: "unknown", isMetered: null };

/** A device that says what it is told to say: for tests, the demo, and owners who know better. */
export interface FixedDevice extends DeviceSource {
  set(reading: Partial<DeviceReading>): void;
}

export function createFixedDevice(reading: Partial<DeviceReading>, everyMs = 1_000): FixedDevice {
  let current: DeviceReading = { ...unknownReading, ...reading };
  return {
    everyMs,
    read: () => Promise.resolve(current),
    set(change) {
      current = { ...current, ...change };
    },
  };
}

/** This machine's own readings; a field that `known` names is taken from there instead. */
export async function openSystemDevice(known: Partial<DeviceReading> = {}): Promise<DeviceSource> {
  const isTermux = process.platform === "android" || (await readTermuxDevice()) !== null;
  return {
    everyMs: isTermux ? 30_000 : 10_000,
    async read() {
      const measured = isTermux ? await readTermuxDevice() : process.platform === "linux" ? await readLinuxDevice() : null;
      return { ...unknownReading, ...measured, ...known };
    },
  };
}
