/** The links of work "link", and what the part inside the namespaces is told. Pure. */
export interface LinkProfile {
  readonly name: "mobile" | "poor" | "far" | "narrow";
  readonly title: string;
  /** Each way: the round trip takes twice as long. */
  readonly delayMs: number;
  /** Around the delay, evenly spread, each way. Packets keep their order. */
  readonly jitterMs: number;
  /** Each way. */
  readonly lossPercent: number;
  readonly rateMbit: number;
  /** Before the link, in each direction; what does not fit is dropped. */
  readonly queueKb: number;
}

/** A rate that the emulator carries easily, so that it and not the emulator is the bottleneck; half a second of it may queue. */
const openRate = { rateMbit: 200, queueKb: 12_500 };

export const linkProfiles: readonly LinkProfile[] = [
  { name: "mobile", title: "60 +/- 10 ms, 0.5 % loss", delayMs: 60, jitterMs: 10, lossPercent: 0.5, ...openRate },
  { name: "poor", title: "150 +/- 50 ms, 3 % loss", delayMs: 150, jitterMs: 50, lossPercent: 3, ...openRate },
  { name: "far", title: "300 ms", delayMs: 300, jitterMs: 0, lossPercent: 0, ...openRate },
  // A phone's uplink, with the thousand packets that Linux lets wait before a device.
  { name: "narrow", title: "20 Mbit/s, 50 ms round trip", delayMs: 25, jitterMs: 0, lossPercent: 0, rateMbit: 20, queueKb: 1_500 },
];

/** RFC 2544 keeps these for measurements; load link gives them to the two ends. */
export const nearHost = "198.18.0.1";
export const farHost = "198.18.0.2";

export interface LinkTask {
  readonly profile: LinkProfile["name"];
  readonly program: string;
  readonly nodesProgram: string;
  /** What enters the far namespace. */
  readonly farPrefix: readonly string[];
  readonly bytesPerStream: number;
  readonly streams: number;
}

/** `congestion`: of TCP at both ends; the system's when null. */
export function linkArguments(profile: LinkProfile, congestion: string | null): readonly string[] {
  const { delayMs, jitterMs, lossPercent, rateMbit, queueKb } = profile;
  const shape = { "delay-ms": delayMs, "jitter-ms": jitterMs, "loss-percent": lossPercent, "rate-mbit": rateMbit, "queue-kb": queueKb };
  const options = congestion === null ? shape : { ...shape, congestion };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
