import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildLoad, whyNoLoadGenerator } from "./build-load.ts";
import { numberAt, readObject } from "./json.ts";
import { startOrigin } from "./peer.ts";
import { startAnnounced } from "./processes.ts";
import { runLoad } from "./run-load.ts";

/** Namespaces need root and a TUN device. */
function canLink(): boolean {
  try {
    accessSync("/dev/net/tun", constants.W_OK);
    return process.getuid?.() === 0 && whyNoLoadGenerator() === null;
  } catch {
    return false;
  }
}

test.skipIf(!canLink())(
  "the link delays, loses and delivers what it was told to, and TCP over it stays whole",
  async () => {
    const buildDir = mkdtempSync(join(tmpdir(), "karvon-bench-"));
    const program = buildLoad(buildDir);
    const link = await startAnnounced({ argv: [program, "link", "--delay-ms", "10", "--loss-percent", "2"], place: "anywhere" });
    const enter = (side: string): readonly string[] => [
      "nsenter",
      `--net=/proc/${numberAt(link.announced, ["pid"])}/fd/${numberAt(link.announced, [side])}`,
    ];
    const origin = await startOrigin(program, { place: "anywhere", host: "198.18.0.2", prefix: enter("far") });
    try {
      const result = await runLoad({
        program,
        prefix: enter("near"),
        mode: "direct",
        origin: origin.address,
        work: ["--work", "down", "--connections", "2", "--transfer", "500000", "--once", "--verify", "--seconds", "30", "--warmup", "0"],
      });
      expect(result).toMatchObject({ finished: 2, badBodies: 0, errors: 0 });
      // A connection and a request take a round trip each.
      expect(numberAt(result, ["seconds"])).toBeGreaterThan(0.04);
    } finally {
      await origin.close();
      await link.close();
      rmSync(buildDir, { recursive: true, force: true });
    }
    const carried = readObject(link.tail().split("\n").at(-1) ?? "");
    const lost = numberAt(carried, ["farToNear", "lost"]) ?? 0;
    const packets = numberAt(carried, ["farToNear", "packets"]) ?? 0;
    expect(packets).toBeGreaterThan(600);
    expect(lost / packets).toBeGreaterThan(0.005);
    expect(lost / packets).toBeLessThan(0.05);
  },
  60_000,
);
