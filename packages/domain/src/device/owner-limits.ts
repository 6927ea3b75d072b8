/** The owner's limits on a device, and the one decision that follows from them: may it serve now? */

export const networkKinds = ["wifi", "cellular", "ethernet", "unknown"] as const;
export type NetworkKind = (typeof networkKinds)[number];

/** How a device feels. Null where it cannot tell: a box without a battery has no percentage. */
export interface DeviceReading {
  readonly batteryPercent: number | null;
  readonly isCharging: boolean | null;
  readonly network: NetworkKind;
  readonly isMetered: boolean | null;
}

export interface OwnerLimits {
  /** Serve only over Wi-Fi or a cable, and only when the network is not marked as metered. */
  readonly wifiOnly: boolean;
  /** Below this the device serves only while it charges. 0 = no limit. */
  readonly minBatteryPercent: number;
  /** Payload bytes a day, both directions together; null = no limit. The day is the device's own calendar day. */
  readonly dailyLimitBytes: number | null;
}

export const defaultOwnerLimits: OwnerLimits = { wifiOnly: false, minBatteryPercent: 20, dailyLimitBytes: null };

export type NotServingReason = "daily_limit" | "not_on_wifi" | "metered_network" | "battery_low";

export type ServingDecision =
  | { readonly accepting: true; readonly reason: null }
  | { readonly accepting: false; readonly reason: NotServingReason };

/**
 * Whether the device may carry traffic now. What the device cannot tell counts against serving only where the owner
 * set a limit on it: an unknown network is not Wi-Fi, but a device that knows of no battery has none to run down.
 */
export function mayServe(status: DeviceReading & { readonly dayBytes: number }, limits: OwnerLimits): ServingDecision {
  if (limits.dailyLimitBytes !== null && status.dayBytes >= limits.dailyLimitBytes) return stop("daily_limit");
  if (limits.wifiOnly && status.network !== "wifi" && status.network !== "ethernet") return stop("not_on_wifi");
  if (limits.wifiOnly && status.isMetered === true) return stop("metered_network");
  const isLow = status.batteryPercent !== null && status.batteryPercent < limits.minBatteryPercent;
  if (isLow && status.isCharging !== true) return stop("battery_low");
  return { accepting: true, reason: null };
}

function stop(reason: NotServingReason): ServingDecision {
  return { accepting: false, reason };
}

const sentences: Record<NotServingReason, string> = {
  daily_limit: "today's traffic limit is reached",
  not_on_wifi: "the device is not on Wi-Fi",
  metered_network: "the network is metered",
  battery_low: "the battery is low",
};

/** The reason in words that complete "Not serving: ...". */
export function explainNotServing(reason: NotServingReason): string {
  return sentences[reason];
}

export type LimitsReading = { readonly kind: "limits"; readonly limits: OwnerLimits } | { readonly kind: "bad"; readonly reason: string };

const bytesPerMb = 1_000_000;
const dailyMbMax = 1_000_000;

/** Limits as an owner writes them; a value out of range is named. `dailyMb` 0 means that nothing may pass. */
export function readOwnerLimits(input: {
  readonly wifiOnly?: boolean | undefined;
  readonly minBatteryPercent?: number | undefined;
  readonly dailyMb?: number | undefined;
}): LimitsReading {
  const { wifiOnly = defaultOwnerLimits.wifiOnly, minBatteryPercent = defaultOwnerLimits.minBatteryPercent, dailyMb } = input;
  if (!Number.isInteger(minBatteryPercent) || minBatteryPercent < 0 || minBatteryPercent > 100) {
    return { kind: "bad", reason: "the minimum battery is a whole number from 0 to 100" };
  }
  if (dailyMb !== undefined && !(dailyMb >= 0 && dailyMb <= dailyMbMax)) {
    return { kind: "bad", reason: "the daily limit is a number of megabytes from 0 to 1,000,000" };
  }
  const dailyLimitBytes = dailyMb === undefined ? null : Math.round(dailyMb * bytesPerMb);
  return { kind: "limits", limits: { wifiOnly, minBatteryPercent, dailyLimitBytes } };
}
