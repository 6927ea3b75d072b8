import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findDefaultInterface, readLinuxDevice } from "./linux-device.ts";
import { readTermuxBattery, readTermuxNetwork } from "./termux-device.ts";

const routeHead = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";

describe("Linux readings", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "karvon-device-"));
    const files = {
      "sys/class/power_supply/AC/type": "Mains\n",
      "sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
      "sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
      "sys/class/power_supply/hidpp_battery_0/capacity": "5\n",
      "sys/class/power_supply/xBAT0/type": "Battery\n",
      "sys/class/power_supply/xBAT0/capacity": "63\n",
      "sys/class/power_supply/xBAT0/status": "Discharging\n",
      "sys/class/net/wlan0/wireless/none": "",
      "sys/class/net/wlan0/uevent": "DEVTYPE=wlan\n",
      "proc/net/route": `${routeHead}eth0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\nwlan0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
  });
  afterAll(() => rm(root, { recursive: true }));

  test("reads the machine's battery, not the mouse's, and the interface of the best route", async () => {
    expect(await readLinuxDevice(join(root, "sys"), join(root, "proc"))).toEqual({
      batteryPercent: 63,
      isCharging: false,
      network: "wifi",
      isMetered: null,
    });
  });

  test("says unknown where there is nothing to read", async () => {
    const reading = { batteryPercent: null, isCharging: null, network: "unknown", isMetered: null };
    expect(await readLinuxDevice(join(root, "nowhere"), join(root, "nowhere"))).toEqual(reading);
  });

  test("finds the default interface over IPv6 when there is no IPv4", () => {
    const zeros = "0".repeat(32);
    const routes = `${zeros} 00 ${zeros} 00 ${zeros} 00000400 00000001 00000000 00000003     eno1\n${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`;
    expect(findDefaultInterface(routeHead, routes)).toBe("eno1");
    expect(findDefaultInterface("", "")).toBeNull();
    expect(findDefaultInterface(`${routeHead}../../etc\t00000000\t0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`, "")).toBeNull();
  });
});

describe("Termux readings", () => {
  test("battery comes from termux-battery-status", () => {
    const discharging = '{"health":"GOOD","percentage":41,"plugged":"UNPLUGGED","status":"DISCHARGING","temperature":30.1}';
    expect(readTermuxBattery(discharging)).toEqual({ batteryPercent: 41, isCharging: false });
    expect(readTermuxBattery('{"percentage":100,"plugged":"PLUGGED_AC","status":"FULL"}')).toEqual({
      batteryPercent: 100,
      isCharging: true,
    });
    for (const bad of ["", "not json", "[]", '{"percentage":"41"}', '{"percentage":-3}']) {
      expect(readTermuxBattery(bad), bad).toEqual({ batteryPercent: null, isCharging: null });
    }
  });

  test("a phone without Wi-Fi is on mobile data, and a failing command is unknown", () => {
    expect(readTermuxNetwork('{"supplicant_state":"COMPLETED","ip":"192.168.1.7"}')).toEqual({ network: "wifi", isMetered: null });
    expect(readTermuxNetwork('{"supplicant_state":"DISCONNECTED","ip":"0.0.0.0"}')).toEqual({ network: "cellular", isMetered: true });
    expect(readTermuxNetwork("")).toEqual({ network: "unknown", isMetered: null });
    expect(readTermuxNetwork('{"API_ERROR":"no permission"}')).toEqual({ network: "unknown", isMetered: null });
  });
});
