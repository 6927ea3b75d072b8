import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { openPortFinder } from "./ports.ts";

let taken: Server | undefined;
afterEach(() => taken?.close());

function take(host: string): Promise<number> {
  return new Promise((resolve) => {
    taken = createServer().listen(0, host, () => {
      const address = taken?.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

describe("openPortFinder", () => {
  test("finds different free ports for zeros", async () => {
    const finder = openPortFinder();
    const ports = await Promise.all([1, 2, 3, 4].map(() => finder.find("KARVON_PROXY_PORT", 0)));
    await finder.close();
    expect(new Set(ports).size).toBe(4);
    expect(Math.min(...ports)).toBeGreaterThan(0);
  });

  test.each(["127.0.0.1", "0.0.0.0"])("names the variable when the port is taken on %s", async (host) => {
    const port = await take(host);
    const finder = openPortFinder();
    await expect(finder.find("KARVON_PANEL_PORT", port)).rejects.toThrow(
      `Port ${port} (KARVON_PANEL_PORT) is taken by another program; stop that program, or set KARVON_PANEL_PORT to another port, or to 0 for any free one.`,
    );
    await finder.close();
  });

  test("gives the ports back", async () => {
    const finder = openPortFinder();
    const port = await finder.find("KARVON_PROXY_PORT", 0);
    await finder.close();
    const again = openPortFinder();
    expect(await again.find("KARVON_PROXY_PORT", port)).toBe(port);
    await again.close();
  });
});
