/**
 * Takes a picture of every page of the panels, light and dark, 1440 and 390 px wide, from a platform that runs.
 *
 *   npx tsx scripts/screenshots.ts [--data .karvon] [--out docs/screenshots] [--format webp|png] [--only word]
 *
 * It reads ready.json in the data folder, sends a little traffic through the demo proxy user meanwhile, so that charts
 * and tables have something to show, and signs up one newcomer for the first steps and the empty states.
 * It fails when a page is wider than its window or writes an error into the console.
 *
 * Limits: pictures end at 2,600 px of height; 90 s of live chart; 20 s for a page to fill.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { findBrowser } from "./browser.ts";
import { driveTraffic } from "./screenshots-traffic.ts";

const heightMax = 2_600;
const liveForMs = 90_000;
const fillWithinMs = 20_000;
const quality = 68;
const schemes = ["light", "dark"] as const;
const windows = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
] as const;

export interface Ready {
  readonly panelUrl: string;
  readonly mailUrl: string;
  readonly echoUrl: string;
  readonly proxy: { readonly host: string; readonly port: number };
  readonly proxyUser: { readonly username: string; readonly password: string };
  readonly logins: {
    readonly client: { readonly email: string; readonly password: string };
    readonly operator: { readonly email: string; readonly password: string };
    readonly admin: { readonly email: string };
  };
}

interface Shot {
  readonly name: string;
  readonly path: string;
  /** What has to happen on the page before the picture. */
  readonly prepare?: (page: Page) => Promise<void>;
}

const publicShots: readonly Shot[] = [
  { name: "landing", path: "/" },
  { name: "sign-in", path: "/sign-in" },
  { name: "sign-up", path: "/sign-up" },
  { name: "confirm", path: "/confirm?email=aziza@example.com" },
  { name: "admin-sign-in", path: "/admin/sign-in" },
];
const clientShots: readonly Shot[] = [
  ...["buy", "proxy-users", "endpoint", "sessions", "refusals", "ledger", "orders", "account"].map((page) => ({
    name: `client-${page}`,
    path: `/client/${page}`,
  })),
  {
    name: "client-rules",
    path: "/client/proxy-users",
    prepare: (page) =>
      page
        .getByRole("button", { name: /^Rules of/ })
        .first()
        .click(),
  },
  {
    name: "client-addresses",
    path: "/client/proxy-users",
    prepare: (page) =>
      page
        .getByRole("button", { name: /^Addresses of/ })
        .first()
        .click(),
  },
  { name: "client-receipt", path: "/client/sessions", prepare: openReceipt },
  { name: "client-overview", path: "/client" },
];
const operatorShots: readonly Shot[] = [
  { name: "operator-nodes", path: "/operator/nodes" },
  { name: "operator-add-node", path: "/operator/nodes/add", prepare: (page) => page.getByRole("button", { name: "Make a code" }).click() },
  { name: "operator-receipt", path: "/operator/sessions", prepare: openReceipt },
  ...["sessions", "earnings", "ledger", "account"].map((page) => ({ name: `operator-${page}`, path: `/operator/${page}` })),
  { name: "operator-payouts", path: "/operator/payouts" },
  {
    name: "operator-payout-request",
    path: "/operator/payouts",
    prepare: async (page) => {
      await page.getByRole("button", { name: "Request payout" }).first().click();
      await page.getByLabel("Amount in USD").fill("5");
      await page.getByRole("dialog").getByRole("button", { name: "Request payout" }).click();
    },
  },
  { name: "operator-overview", path: "/operator" },
];
const adminShots: readonly Shot[] = [
  ...["users", "nodes", "sessions", "refusals", "orders", "payouts", "corrections", "prices", "reconciliation", "account"].map((page) => ({
    name: `admin-${page}`,
    path: `/admin/${page}`,
  })),
  {
    name: "admin-terms",
    path: "/admin/users",
    prepare: (page) =>
      page
        .getByRole("button", { name: /^Terms of/ })
        .first()
        .click(),
  },
  {
    name: "admin-addresses",
    path: "/admin/users",
    prepare: (page) =>
      page
        .getByRole("button", { name: /^Addresses of/ })
        .first()
        .click(),
  },
  { name: "admin-audit", path: "/admin/audit", prepare: (page) => page.getByRole("button", { name: "Verify chain" }).click() },
  { name: "admin-network", path: "/admin" },
];
const newcomerShots: readonly Shot[] = [
  { name: "newcomer-overview", path: "/client" },
  { name: "newcomer-endpoint", path: "/client/endpoint" },
  { name: "newcomer-sessions", path: "/client/sessions" },
  { name: "newcomer-secret", path: "/client/proxy-users", prepare: createProxyUser },
];
const liveNames: ReadonlySet<string> = new Set(["client-overview", "operator-overview", "admin-network"]);

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: ".karvon" },
    out: { type: "string", default: "docs/screenshots" },
    format: { type: "string", default: "webp" },
    only: { type: "string", default: "" },
  },
});
const format = options.format === "png" ? "png" : "webp";
const ready: Ready = JSON.parse(readFileSync(join(resolve(options.data), "ready.json"), "utf8"));
const out = resolve(options.out);
const faults: string[] = [];
const taken: string[] = [];

async function main(): Promise<void> {
  mkdirSync(out, { recursive: true });
  const browser = await chromium.launch(await findBrowser());
  const stop = new AbortController();
  const traffic = driveTraffic(ready, stop.signal);
  try {
    await shootAll(browser, "public", publicShots, async () => undefined);
    await shootAll(browser, "newcomer", newcomerShots, signUpNewcomer);
    await shootAll(browser, "client", clientShots, (page) => signIn(page, ready.logins.client));
    await shootAll(browser, "operator", operatorShots, (page) => signIn(page, ready.logins.operator));
    await shootAll(browser, "admin", adminShots, signInAsAdmin);
  } finally {
    stop.abort();
    await traffic;
    await browser.close();
  }
  if (options.only === "") writeFileSync(join(out, "README.md"), index());
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stdout.write(`${taken.length} pictures in ${out}, ${faults.length} faults\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** One signed-in browser; its live page is opened first and taken last, so that its chart has filled meanwhile. */
async function shootAll(browser: Browser, who: string, shots: readonly Shot[], enter: (page: Page) => Promise<void>): Promise<void> {
  const wanted = shots.filter((shot) => shot.name.includes(options.only));
  if (wanted.length === 0) return;
  const context = await browser.newContext({ baseURL: ready.panelUrl, viewport: windows[0], colorScheme: "light" });
  const page = await watch(context, who);
  await enter(page);
  const live = wanted.find((shot) => liveNames.has(shot.name));
  const livePage = live === undefined ? null : await watch(context, who);
  await livePage?.goto(live?.path ?? "/");
  const openedAtMs = Date.now();
  for (const shot of wanted) if (shot !== live) await shoot(page, shot);
  if (live !== undefined && livePage !== null) {
    await livePage.waitForTimeout(Math.max(0, openedAtMs + liveForMs - Date.now()));
    await shootVariants(livePage, live.name);
  }
  await context.close();
}

async function shoot(page: Page, shot: Shot): Promise<void> {
  await page.setViewportSize(windows[0]);
  await page.goto(shot.path);
  await settle(page);
  await shot.prepare?.(page);
  await shootVariants(page, shot.name);
}

async function shootVariants(page: Page, name: string): Promise<void> {
  await page.bringToFront();
  for (const window of windows) {
    await page.setViewportSize(window);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await settle(page);
      await capture(page, `${name}-${window.width}-${colorScheme}`, window.width);
    }
  }
}

async function openReceipt(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Receipt" }).first().click();
  await page.getByTestId("receipt").waitFor();
}

/** Until nothing on the page says that it still loads, and then two frames for the charts to take their size. */
async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector(".k-skeleton, [aria-busy=true]") === null, null, { timeout: fillWithinMs });
  await page.waitForTimeout(400);
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
    if (message.type() === "error") faults.push(`${who} ${page.url()}: ${message.text().slice(0, 300)}`);
  });
  return page;
}

async function signIn(page: Page, login: { email: string; password: string }): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(login.email);
  await page.getByLabel("Password", { exact: true }).fill(login.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/(client|operator)$/);
}

async function signInAsAdmin(page: Page): Promise<void> {
  const { email } = ready.logins.admin;
  const before = (await mailedCodes(email)).length;
  await page.goto("/admin/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send code" }).click();
  await page.getByLabel("Code").fill(await nextCode(page, email, before));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/admin$/);
}

async function signUpNewcomer(page: Page): Promise<void> {
  const email = `newcomer-${Date.now().toString(36)}@screenshots.example`;
  const password = `pw-${crypto.randomUUID()}`;
  await page.goto("/sign-up");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL(/\/confirm/);
  await page.getByLabel("Code").fill(await nextCode(page, email, 0));
  await page.getByRole("button", { name: "Confirm e-mail" }).click();
  await page.waitForURL(/\/sign-in/);
  await signIn(page, { email, password });
}

async function createProxyUser(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Create proxy user" }).first().click();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByTestId("secret-password").waitFor();
}

interface Mail {
  readonly to: string;
  readonly text: string;
}

/** The codes mailed to an address, newest first. */
async function mailedCodes(email: string): Promise<readonly string[]> {
  const mails: readonly Mail[] = await (await fetch(new URL("/api/mails", ready.mailUrl))).json();
  return mails.filter((mail) => mail.to.includes(email)).flatMap((mail) => /Code: (\d{6,8})/.exec(mail.text)?.[1] ?? []);
}

async function nextCode(page: Page, email: string, before: number): Promise<string> {
  const deadlineMs = Date.now() + fillWithinMs;
  while (Date.now() < deadlineMs) {
    const codes = await mailedCodes(email);
    if (codes.length > before && codes[0] !== undefined) return codes[0];
    await page.waitForTimeout(200);
  }
  throw new Error(`no code was mailed to ${email}`);
}

function index(): string {
  const names = [...new Set(taken.map((file) => file.replace(/-(1440|390)-(light|dark)$/, "")))];
  const rows = names.map((name) => {
    const link = (width: number, scheme: string) => `[${scheme}](${name}-${width}-${scheme}.${format})`;
    return `| ${name} | ${link(1440, "light")}, ${link(1440, "dark")} | ${link(390, "light")}, ${link(390, "dark")} |`;
  });
  return [
    "# Screenshots",
    "",
    "Every page of the panels, taken from a running platform by `npx tsx scripts/screenshots.ts`. Pages called newcomer are those of a client who has just signed up.",
    "",
    "| page | 1440 px | 390 px |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

await main();
