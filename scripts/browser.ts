// Where is a Chromium? In this order: what the user says, Playwright's own download, one that is installed, the one packed in npm.
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium, type LaunchOptions } from "@playwright/test";

const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function installedPlaces(): readonly string[] {
  if (process.platform === "win32") {
    return [
      `${process.env["ProgramFiles(x86)"]}\\Microsoft\\Edge\\Application\\msedge.exe`,
      `${process.env["ProgramFiles"]}\\Google\\Chrome\\Application\\chrome.exe`,
    ];
  }
  if (process.platform === "darwin") {
    return [
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
      "/Applications/Chromium.app/Contents/MacOS/Chromium",
      "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ];
  }
  return [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/snap/bin/chromium",
  ];
}

/** The packed Chromium unpacks itself into the temporary folder and trusts what it finds there: give it a folder of its own. */
async function packedChromium(): Promise<string> {
  const folder = fileURLToPath(new URL("../node_modules/.cache/karvon-chromium", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    const { default: packed } = await import("@sparticuz/chromium");
    return await packed.executablePath();
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

/** Playwright's launch options for the browser of this machine. Throws with the next step when there is none. */
export async function findBrowser(): Promise<LaunchOptions> {
  const chromiumSandbox = process.getuid?.() !== 0;
  if (process.env["PW_CHROMIUM"]) return { executablePath: process.env["PW_CHROMIUM"], args: quiet, chromiumSandbox };
  if (existsSync(chromium.executablePath())) return { args: quiet, chromiumSandbox };
  const installed = process.env["PW_NPM_CHROMIUM"] ? undefined : installedPlaces().find((place) => existsSync(place));
  if (installed) return { executablePath: installed, args: quiet, chromiumSandbox };
  if (process.platform === "linux" && process.arch === "x64")
    return { executablePath: await packedChromium(), args: quiet, chromiumSandbox };
  throw new Error("No browser was found: run `npx playwright install chromium`, or set PW_CHROMIUM to a Chromium or Chrome program.");
}
