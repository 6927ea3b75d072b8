import { describe, expect, test } from "vitest";
import { readArguments } from "./arguments.ts";
import { describeEvent } from "./describe-event.ts";
import { createLiveView, drawTable } from "./live-view.ts";
import { formatBytes, formatDuration, plain } from "./text.ts";

describe("arguments", () => {
  test("run takes limits in the owner's units and what the owner says of the device", () => {
    const command = readArguments("run --wifi-only --min-battery 30 --daily-mb 500 --battery 80 --network wifi --name shelf".split(" "));
    expect(command).toMatchObject({
      kind: "run",
      name: "shelf",
      limits: { wifiOnly: true, minBatteryPercent: 30, dailyLimitBytes: 500_000_000 },
      known: { batteryPercent: 80, isCharging: false, network: "wifi" },
    });
  });

  test("enroll needs one code and remembers whether consent was given", () => {
    expect(readArguments(["enroll", "kve1.x", "--accept-consent", "--label", "a"])).toMatchObject({
      code: "kve1.x",
      hasAccepted: true,
      label: "a",
    });
    expect(readArguments(["enroll", "kve1.x"])).toMatchObject({ hasAccepted: false });
  });

  test("what is wrong is named, and nothing is guessed", () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ["enroll", /needs the code/],
      ["enroll a b", /one word too many/],
      ["run --battery 101", /--battery/],
      ["run --battery x", /--battery/],
      ["run --min-battery -5", /min-battery/],
      ["run --daily-mb many", /daily limit/],
      ["run --network 5g", /wifi, cellular/],
      ["run --gateway nowhere", /host:port/],
      ["run --egress-allow everything", /everything/],
      ["run --colour", /--colour/],
      ["dance", /no command "dance"/],
    ];
    for (const [line, reason] of cases) {
      const command = readArguments(line.split(" "));
      expect(command.kind === "wrong" ? command.reason : command.kind, line).toMatch(reason);
    }
  });

  test("no command is a question for help", () => {
    for (const line of [[], ["help"], ["run", "--help"]]) expect(readArguments(line).kind).toBe("help");
  });
});

describe("display", () => {
  const stream = { id: 1, host: "example.org", port: 443, address: "93.184.216.34", openedAtMs: 0, upBytes: 1_500, downBytes: 2_500_000 };

  test("the table shows each server with its bytes, and the day's total", () => {
    const status = { batteryPercent: 41, isCharging: false, network: "wifi", isMetered: null } as const;
    const day = { dayBytes: 12_300_000, dayLimitBytes: 500_000_000, accepting: true, reason: null } as const;
    const place = { publicAddress: "84.54.71.1", country: "UZ", city: "Namangan", asn: 8_193, asnName: "Uzbektelekom" };
    const text = drawTable("shelf", { phase: "serving", place, status: { ...status, ...day }, streams: [stream] }, [], 61_000);
    expect(text).toMatch(/example\.org:443\s+1\.5 kB\s+2\.5 MB\s+1 min 1 s/);
    expect(text).toContain("84.54.71.1 (Namangan, UZ, AS8193 Uzbektelekom)");
    expect(text).toContain("battery 41 %, wifi, today 12.3 MB of 500 MB, serving");
  });

  test("text from elsewhere cannot drive the terminal", () => {
    expect(plain("a\u001b[2Jb\nc\u202e")).toBe("a?[2Jb?c?");
    expect(plain("x".repeat(500))).toHaveLength(120);
    expect(describeEvent({ kind: "refused", code: "x", message: "\u001b]0;owned\u0007" })).not.toContain("\u001b");
  });

  test("JSON lines are one object an event", () => {
    const lines: string[] = [];
    createLiveView("json", "", (text) => lines.push(text)).onEvent({ kind: "connecting", attempt: 1 });
    expect(JSON.parse(lines.join(""))).toMatchObject({ kind: "connecting", attempt: 1 });
  });

  test("bytes and times read naturally", () => {
    expect([0, 999, 1_000, 12_345_678, 500_000_000, 1_000_000_000].map(formatBytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "12.3 MB",
      "500 MB",
      "1.0 GB",
    ]);
    expect([999, 59_999, 60_000, 3_660_000].map(formatDuration)).toEqual(["0 s", "59 s", "1 min 0 s", "1 h 1 min"]);
  });
});
