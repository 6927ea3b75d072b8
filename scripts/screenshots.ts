/**
 * Takes a picture of every page of the panels, light and dark, 1440 and 390 px wide, from a platform that runs.
 *
 *   npx tsx scripts/screenshots.ts [--data .karvon] [--out docs/screenshots] [--format webp|png] [--only pattern] [--review]
 *
 * The data folder is one made for this: it gets a newcomer of each role, a little traffic, and money in every state
 * (screenshots/money.ts). For the red reconciliation a fault is planted in a session and taken out again.
 * With KARVON_BANK_DETAILS and Payme's and Click's settings (any values do) the buy page shows every way to pay.
 * --review adds what is too much for the docs: pages that are empty, still load or are answered by nobody, and every dialog.
 * It fails when a page is wider than its window or writes an error into the console.
 *
 * Limits: pictures end at 1,500 px of height; 90 s of live chart; 20 s for a page to fill.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { findBrowser } from "./browser.ts";
import { openPictureDatabase, type PictureDatabase } from "./screenshots/money.ts";
import { signIn, signInAsAdmin, signUp } from "./screenshots/people.ts";
import { readReady } from "./screenshots/ready.ts";
import * as shots from "./screenshots/shots.ts";
import { driveTraffic } from "./screenshots/traffic.ts";

const heightMax = 1_500;
const liveForMs = 90_000;
const fillWithinMs = 20_000;
const warmUpMs = 15_000;
const quality = 68;
const schemes = ["light", "dark"] as const;
const windows = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
] as const;

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: ".karvon" },
    out: { type: "string", default: "docs/screenshots" },
    format: { type: "string", default: "webp" },
    only: { type: "string", default: "" },
    review: { type: "boolean", default: false },
  },
});
const format = options.format === "png" ? "png" : "webp";
const ready = readReady(resolve(options.data));
const out = resolve(options.out);
const only = new RegExp(options.only, "u");
const wantedOf = (list: readonly shots.Shot[]) =>
  list.filter((shot) => only.test(shot.name) && (options.review || shot.isForReview !== true));
/** Without a live page a few sessions are enough. */
const isLive = [...shots.liveNames].some((name) => only.test(name));
/** By who it is. */
const signedIn = new Map<string, Awaited<ReturnType<BrowserContext["storageState"]>>>();
/** What the browser writes of an answer that one of the dialogs asks for. */
const refused = /status of 412/;
const faults: string[] = [];
const taken: string[] = [];

async function main(): Promise<void> {
  mkdirSync(out, { recursive: true });
  const database = await openPictureDatabase(resolve(options.data), ready);
  const browser = await chromium.launch(await findBrowser());
  const stop = new AbortController();
  const traffic = driveTraffic(ready, isLive ? stop.signal : AbortSignal.any([stop.signal, AbortSignal.timeout(warmUpMs)]));
  try {
    await shootEverything(browser, database);
  } finally {
    stop.abort();
    await traffic;
    await browser.close();
    await database.close();
  }
  if (format === "webp") writeFileSync(join(out, "README.md"), index());
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stdout.write(`${taken.length} pictures in ${out}, ${faults.length} faults\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

const asAdmin = (page: Page) => signInAsAdmin(page, ready);

async function shootEverything(browser: Browser, database: PictureDatabase): Promise<void> {
  await shootAll(browser, "public", shots.publicShots, async () => undefined);
  await shootAll(browser, "newcomer", shots.newcomerShots, (page) => signUp(page, ready, "Client"));
  await shootAll(browser, "new operator", shots.newOperatorShots, (page) => signUp(page, ready, "Operator"));
  if (!(await database.hasMoney())) {
    await shootAll(browser, "admin", shots.emptyAdminShots, asAdmin);
    await database.fill();
  }
  await shootAll(browser, "client", shots.clientShots, (page) => signIn(page, ready.logins.client));
  await shootAll(browser, "operator", shots.operatorShots, (page) => signIn(page, ready.logins.operator));
  await shootAll(browser, "admin", shots.adminShots, asAdmin);
  if (wantedOf(shots.redShots).length === 0) return;
  await database.addFailedRun();
  const takeOut = await database.plantFault();
  try {
    await shootAll(browser, "admin", shots.redShots, asAdmin);
  } finally {
    await takeOut();
  }
}

/** One signed-in browser; its live page is opened first and taken last, so that its chart has filled meanwhile. */
async function shootAll(browser: Browser, who: string, list: readonly shots.Shot[], enter: (page: Page) => Promise<void>): Promise<void> {
  const wanted = wantedOf(list);
  if (wanted.length === 0) return;
  const context = await openContext(browser, who, enter);
  const live = await openLive(context, who, wanted);
  const page = await watch(context, who);
  for (const shot of wanted) {
    if (shots.liveNames.has(shot.name)) continue;
    await shoot(page, shot);
    if (options.review && shot.hasStates === true) await shootStates(context, shot);
  }
  await live();
  await context.close();
}

/** Signed in once for each name: codes for one address are few. */
async function openContext(browser: Browser, who: string, enter: (page: Page) => Promise<void>): Promise<BrowserContext> {
  const known = signedIn.get(who);
  const kept = known === undefined ? {} : { storageState: known };
  const context = await browser.newContext({ baseURL: ready.panelUrl, viewport: windows[0], colorScheme: "light", ...kept });
  if (known !== undefined) return context;
  const page = await watch(context, who);
  await enter(page);
  await page.close();
  signedIn.set(who, await context.storageState());
  return context;
}

/** Opens the live page now; what it answers takes its pictures when the chart has filled. */
async function openLive(context: BrowserContext, who: string, wanted: readonly shots.Shot[]): Promise<() => Promise<void>> {
  const shot = wanted.find(({ name }) => shots.liveNames.has(name));
  if (shot === undefined) return async () => undefined;
  const page = await watch(context, who);
  await page.goto(shot.path);
  const openedAtMs = Date.now();
  return async () => {
    await page.waitForTimeout(Math.max(0, openedAtMs + liveForMs - Date.now()));
    await shootVariants(page, shot.name);
  };
}

async function shoot(page: Page, shot: shots.Shot): Promise<void> {
  await page.setViewportSize(windows[0]);
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(shot.path);
  await settle(page);
  await shot.prepare?.(page);
  await shootVariants(page, shot.name);
}

/** The page while no call is answered, and when every call fails. Its errors are meant, so this page is not watched. */
async function shootStates(context: BrowserContext, shot: shots.Shot): Promise<void> {
  const page = await context.newPage();
  for (const state of ["loading", "error"] as const) {
    await page.route("**/api/trpc/**", (route) => (state === "error" ? route.abort("connectionrefused") : new Promise(() => undefined)));
    await page.goto(shot.path);
    if (state === "error") await page.getByText("The server did not answer").first().waitFor({ timeout: fillWithinMs });
    await shootVariants(page, `${shot.name}-${state}`, rest);
    await page.unroute("**/api/trpc/**");
  }
  await page.close();
}

async function shootVariants(page: Page, name: string, wait = settle): Promise<void> {
  await page.bringToFront();
  for (const window of windows) {
    await page.setViewportSize(window);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await wait(page);
      await capture(page, `${name}-${window.width}-${colorScheme}`, window.width);
    }
  }
}

/** Until nothing on the page says that it still loads, two frames for the charts to take their size, and the end of what moves. */
async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector(".k-skeleton, [aria-busy=true]") === null, null, { timeout: fillWithinMs });
  await rest(page);
}

/** Colours change gradually with the scheme, and slowly on a machine without a graphics card. */
async function rest(page: Page): Promise<void> {
  await page.waitForTimeout(300);
  await page.waitForFunction(() =>
    document.getAnimations().every(({ playState, effect }) => playState !== "running" || effect?.getComputedTiming().endTime === Infinity),
  );
}

async function capture(page: Page, file: string, width: number): Promise<void> {
  const size = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight }));
  if (size.width > width) faults.push(`${file}: the page is ${size.width} px wide in a window of ${width} px`);
  const isModal = (await page.getByRole("dialog").count()) > 0;
  const height = Math.min(isModal ? (page.viewportSize()?.height ?? heightMax) : size.height, heightMax);
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", {
    format,
    ...(format === "webp" ? { quality } : {}),
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height, scale: 1 },
  });
  await session.detach();
  writeFileSync(join(out, `${file}.${format}`), Buffer.from(data, "base64"));
  taken.push(file);
}

async function watch(context: BrowserContext, who: string): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${who} ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !refused.test(message.text())) faults.push(`${who} ${page.url()}: ${message.text().slice(0, 300)}`);
  });
  return page;
}

/** Of everything that lies in the folder, from this run and from those before. */
function index(): string {
  const files = new Set(readdirSync(out));
  const names = shots.everyShot.map(({ name }) => name).filter((name) => files.has(`${name}-1440-light.${format}`));
  const rows = names.map((name) => {
    const link = (width: number, scheme: string) => `[${scheme}](${name}-${width}-${scheme}.${format})`;
    return `| ${name} | ${link(1440, "light")}, ${link(1440, "dark")} | ${link(390, "light")}, ${link(390, "dark")} |`;
  });
  return [
    "# Screenshots",
    "",
    "Every page of the panels, taken from a running platform by `npx tsx scripts/screenshots.ts`. Pages called newcomer are those of a client who has just signed up; money stands there in every state, and for the red reconciliation a fault was planted.",
    "",
    "| page | 1440 px | 390 px |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

await main();
