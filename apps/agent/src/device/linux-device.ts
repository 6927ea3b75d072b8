/** Battery from /sys/class/power_supply, network from the interface of the default route. Nothing is run, only read. */
import { access, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DeviceReading, NetworkKind } from "@karvon/domain";

const suppliesMax = 32;

/** The folders can be others in tests. */
export async function readLinuxDevice(sys = "/sys", proc = "/proc"): Promise<DeviceReading> {
  const [battery, network] = await Promise.all([readBattery(sys), readNetwork(sys, proc)]);
  return { ...battery, network, isMetered: null };
}

async function readBattery(sys: string): Promise<Pick<DeviceReading, "batteryPercent" | "isCharging">> {
  const folder = join(sys, "class/power_supply");
  for (const name of (await listNames(folder)).slice(0, suppliesMax)) {
    const supply = join(folder, name);
    // A wireless mouse is a battery too, of scope "Device": not what keeps this machine alive.
    if ((await readWord(supply, "type")) !== "Battery" || (await readWord(supply, "scope")) === "Device") continue;
    const percent = Number.parseInt(await readWord(supply, "capacity"), 10);
    const status = await readWord(supply, "status");
    if (Number.isInteger(percent)) {
      // "Not charging" and "Full" are what a plugged-in laptop says when its battery is kept at a limit.
      return { batteryPercent: Math.min(100, Math.max(0, percent)), isCharging: status !== "Discharging" && status !== "Unknown" };
    }
  }
  return { batteryPercent: null, isCharging: null };
}

async function readNetwork(sys: string, proc: string): Promise<NetworkKind> {
  const name = findDefaultInterface(await readText(join(proc, "net/route")), await readText(join(proc, "net/ipv6_route")));
  if (name === null) return "unknown";
  const folder = join(sys, "class/net", name);
  if ((await exists(join(folder, "wireless"))) || (await exists(join(folder, "phy80211")))) return "wifi";
  if ((await readText(join(folder, "uevent"))).includes("DEVTYPE=wwan") || /^(?:wwan|rmnet|ccmni|ppp)/.test(name)) return "cellular";
  // A tunnel or bridge hides what is below it, so only the names of real cards count as a cable.
  return /^(?:eth|en[opsx])/.test(name) ? "ethernet" : "unknown";
}

/** The interface of the best default route in /proc/net/route, else in /proc/net/ipv6_route. Null without one. */
export function findDefaultInterface(routes: string, ipv6Routes: string): string | null {
  const ipv4 = routes
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000")
    .map(([name = "", , , , , , metric]) => ({ name, metric: Number(metric) }));
  const ipv6 = ipv6Routes
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[0] === "0".repeat(32) && columns[1] === "00" && columns.at(-1) !== "lo")
    .map((columns) => ({ name: columns.at(-1) ?? "", metric: Number.parseInt(columns[5] ?? "", 16) }));
  const [best] = (ipv4.length > 0 ? ipv4 : ipv6).toSorted((a, b) => a.metric - b.metric);
  return best && /^[\w.@:-]{1,15}$/.test(best.name) ? best.name : null;
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch {
    return [];
  }
}

async function readWord(folder: string, name: string): Promise<string> {
  return (await readText(join(folder, name))).trim();
}

/** Empty when the file cannot be read: batteries come and go, and containers hide most of /sys. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
