/**
 * Decides, four times a second, whether this device may serve: counts the day's bytes, reads battery and network,
 * and applies the owner's limits.
 *
 * A limit that is exceeded cuts what passes at that moment. The daily limit is looked at every 25 ms, so the overshoot is
 * what passes in that time: 0.3 MB on a line of 100 Mbit/s.
 * The day's count is saved every 5 s and at the end, so a crash forgets 5 s of traffic at most.
 */
import { type DeviceReading, type OwnerLimits, mayServe } from "@karvon/domain";
import { type DeviceSource, unknownReading } from "./device/device-source.ts";
import type { AgentStatus } from "./events.ts";
import type { AgentStore, DayCount } from "./store/agent-store.ts";

const tickMs = 250;
const dayLimitTickMs = 25;
/** The owner may withdraw from another terminal; that takes effect within a second. */
const ticksPerConsentCheck = 4;
const saveEveryMs = 5_000;
const reportEveryMs = 30_000;

export interface ServingOptions {
  readonly store: AgentStore;
  readonly limits: OwnerLimits;
  readonly device: DeviceSource;
  takeBytes(): number;
  /** Called when the status changed in a way worth telling, and every 30 s. */
  onStatus(status: AgentStatus): void;
  /** Called at each tick while the device may not serve: whatever passes now must end. */
  onNotServing(status: AgentStatus): void;
  onWithdrawn(): void;
}

export interface Serving {
  status(): AgentStatus;
  /** Saves the day's count. */
  stop(): void;
}

export async function startServing(options: ServingOptions): Promise<Serving> {
  const { store, limits, device } = options;
  let reading: DeviceReading = await readSafely(device);
  let readAtMs = performance.now();
  let isReading = false;
  let count = today(store.readDay());
  let savedAtMs = performance.now();
  let reported = "";
  let reportedAtMs = 0;
  let ticks = 0;

  function status(): AgentStatus {
    const facts = { ...reading, dayBytes: count.bytes };
    return { ...facts, dayLimitBytes: limits.dailyLimitBytes, ...mayServe(facts, limits) };
  }
  function addBytes(): void {
    count = today(count);
    const bytes = options.takeBytes();
    if (bytes > 0) count = { day: count.day, bytes: count.bytes + bytes };
  }
  function save(): void {
    savedAtMs = performance.now();
    const saved = store.readDay();
    if (saved.day !== count.day || saved.bytes !== count.bytes) store.saveDay(count);
  }
  function report(now: AgentStatus): void {
    // Bytes alone are no news between two reports.
    const news = JSON.stringify({ ...now, dayBytes: 0 });
    if (news === reported && performance.now() - reportedAtMs < reportEveryMs) return;
    reported = news;
    reportedAtMs = performance.now();
    options.onStatus(now);
  }
  function refresh(): void {
    if (isReading || performance.now() - readAtMs < device.everyMs) return;
    isReading = true;
    void readSafely(device).then((fresh) => {
      reading = fresh;
      readAtMs = performance.now();
      isReading = false;
    });
  }
  function tick(): void {
    addBytes();
    refresh();
    const now = status();
    report(now);
    if (!now.accepting) options.onNotServing(now);
    if (performance.now() - savedAtMs >= saveEveryMs) save();
    ticks += 1;
    if (ticks % ticksPerConsentCheck === 0 && store.isWithdrawn()) options.onWithdrawn();
  }

  function watchDayLimit(): void {
    const wasBelow = count.bytes < (limits.dailyLimitBytes ?? 0);
    addBytes();
    if (wasBelow && count.bytes >= (limits.dailyLimitBytes ?? 0)) tick();
  }

  const timers = [setInterval(tick, tickMs)];
  if (limits.dailyLimitBytes !== null) timers.push(setInterval(watchDayLimit, dayLimitTickMs));
  report(status());
  return {
    status,
    stop() {
      for (const timer of timers) clearInterval(timer);
      addBytes();
      save();
    },
  };
}

/** A source promises not to reject; one that does all the same must not end the agent. */
async function readSafely(device: DeviceSource): Promise<DeviceReading> {
  try {
    return await device.read();
  } catch {
    return unknownReading;
  }
}

/** The count of this calendar day, which begins at zero. */
function today(count: DayCount): DayCount {
  const now = new Date();
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  return count.day === day ? count : { day, bytes: 0 };
}
