/** Chromium: with a password as Playwright gives it, and with its own switch from an allowlisted address. */
import { type Browser, chromium, type LaunchOptions } from "@playwright/test";
import { expect } from "vitest";
import { findBrowser } from "../../../../../scripts/browser.ts";
import { bases, type ClientWorld, type RealClient } from "./client-world.ts";

/** A page downloads the file, sends it back, and sends it through a WebSocket. */
async function expectPages(world: ClientWorld, options: LaunchOptions): Promise<void> {
  const found = await findBrowser();
  const browser: Browser = await chromium.launch({ ...found, ...options, args: [...(found.args ?? []), ...(options.args ?? [])] });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    for (const base of bases) {
      await page.goto(`${base}/page`);
      expect(await page.title()).toBe("shop.example");
      const uploaded = await page.evaluate(sendBack);
      expect(uploaded).toEqual({ sha256: world.origin.fileSha256, bytes: world.origin.file.length, echoed: world.origin.file.length });
    }
  } finally {
    await browser.close();
  }
}

/** Runs in the page. */
async function sendBack(): Promise<{ bytes: number; sha256: string; echoed: number }> {
  const file = await (await fetch("/file")).arrayBuffer();
  const answer: { bytes: number; sha256: string } = await (await fetch("/hash", { method: "POST", body: file })).json();
  const echoed = await new Promise<number>((resolve, reject) => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("error", () => reject(new Error("the WebSocket failed")));
    socket.addEventListener("open", () => socket.send(file));
    socket.addEventListener("message", (event: MessageEvent<ArrayBuffer>) => resolve(event.data.byteLength));
  });
  return { ...answer, echoed };
}

export const browserClients: readonly RealClient[] = [
  {
    name: "Playwright's proxy option: pages, fetch and WebSockets",
    run: (world) =>
      expectPages(world, {
        proxy: { server: `http://127.0.0.1:${world.port}`, username: world.login.username, password: world.login.password },
      }),
  },
  {
    name: "Chromium --proxy-server=http from an allowlisted address",
    run: (world) => expectPages(world, { args: [`--proxy-server=${world.openProxy("http")}`] }),
  },
  {
    name: "Chromium --proxy-server=socks5 from an allowlisted address",
    run: (world) => expectPages(world, { args: [`--proxy-server=${world.openProxy("socks5")}`] }),
  },
];
