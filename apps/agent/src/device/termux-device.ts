/** Battery and network from the Termux:API commands on Android. Limits: 5 s and 64 KiB a command. */
import { execFile } from "node:child_process";
import type { DeviceReading } from "@karvon/domain";
import { isObject, parseObject, textOf } from "../store/json.ts";

const commandTimeoutMs = 5_000;
const outputBytesMax = 65_536;

/** Null when the commands are not there or do not answer: then this is no Termux with Termux:API. */
export async function readTermuxDevice(): Promise<DeviceReading | null> {
  const [battery, wifi] = await Promise.all([run("termux-battery-status"), run("termux-wifi-connectioninfo")]);
  if (battery === null && wifi === null) return null;
  return { ...readTermuxBattery(battery ?? ""), ...readTermuxNetwork(wifi ?? "") };
}

export function readTermuxBattery(output: string): Pick<DeviceReading, "batteryPercent" | "isCharging"> {
  const status = parseObject(output);
  const percent = status?.["percentage"];
  if (typeof percent !== "number" || !(percent >= 0 && percent <= 100)) return { batteryPercent: null, isCharging: null };
  const word = textOf(status, "status");
  const plugged = textOf(status, "plugged");
  const isPlugged = plugged !== null && plugged !== "UNPLUGGED";
  return { batteryPercent: Math.round(percent), isCharging: word === "CHARGING" || word === "FULL" || isPlugged };
}

/** Wi-Fi when it is associated and has an address; a phone that is online without it is on mobile data. */
export function readTermuxNetwork(output: string): Pick<DeviceReading, "network" | "isMetered"> {
  const info = parseObject(output);
  if (!isObject(info) || textOf(info, "API_ERROR")) return { network: "unknown", isMetered: null };
  const ip = textOf(info, "ip");
  const isOnWifi = textOf(info, "supplicant_state") === "COMPLETED" && ip !== null && ip !== "0.0.0.0";
  return isOnWifi ? { network: "wifi", isMetered: null } : { network: "cellular", isMetered: true };
}

function run(command: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, { timeout: commandTimeoutMs, maxBuffer: outputBytesMax, killSignal: "SIGKILL" }, (error, output) => {
      resolve(error ? null : output);
    });
  });
}
