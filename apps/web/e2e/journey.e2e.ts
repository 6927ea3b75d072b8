/**
 * One request seen by everybody: bought, sent, carried, measured, charged, earned, reconciled.
 *
 * The meter of the test is its own (a counting tap before the target); the clients are real curl; the node is the real
 * agent command, enrolled with a code from the operator's page.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type Browser, type Page } from "@playwright/test";
import { enrolAndRun, type Agent } from "./support/agent.ts";
import { curl, type CurlResult, runCurlLine, sha256OfFile } from "./support/curl.ts";
import { signInAsAdmin, signUp } from "./support/people.ts";
import { readOrigin, readReady } from "./support/platform.ts";
import { cell, exact, rowFor } from "./support/rows.ts";

/** An address of a Japanese access network: no demo node is there, so `-country-jp` means the node of this test. */
const nodeAddress = "126.200.10.20";
const boughtBytes = 5_000_000_000n;
const boughtMicroUsd = 15_000_000n;
const downBytes = 10_000_000;
const upBytes = 2_000_000;
const shownWithinMs = 10_000;

const ready = readReady();
const origin = readOrigin();
const password = `pw-${randomBytes(9).toString("base64url")}`;
const run = randomBytes(4).toString("hex");
const client = { email: `client-${run}@journey.example`, password };
const operator = { email: `operator-${run}@journey.example`, password };
const protocols = [
  { name: "HTTP", scheme: "http", port: origin.httpPort },
  { name: "CONNECT", scheme: "https", port: origin.httpsPort },
  { name: "SOCKS5", scheme: "https", port: origin.httpsPort },
] as const;

interface Tapped {
  readonly upBytes: number;
  readonly downBytes: number;
  readonly isOpen: boolean;
}

async function tapped(): Promise<readonly Tapped[]> {
  const ports = (await (await fetch(`http://127.0.0.1:${origin.controlPort}/taps`)).json()) as readonly (readonly Tapped[])[];
  return ports.flat();
}

test("a bought gigabyte is carried by an enrolled node, and three panels show the same bytes and money", async ({ browser }) => {
  test.setTimeout(180_000);
  const files = mkdtempSync(join(tmpdir(), "karvon-journey-"));
  const upload = join(files, "upload");
  writeFileSync(upload, randomBytes(upBytes));
  const [clientPage, operatorPage, adminPage] = await openPages(browser);
  const running: { agent: Agent | null } = { agent: null };
  try {
    await test.step("a client signs up, confirms by mail and buys 5 GB", async () => {
      await signUp(clientPage, ready.mailUrl, "Client", client);
      await clientPage.goto("/client/buy");
      await clientPage.getByLabel("Gigabytes").fill("5");
      await clientPage.getByRole("button", { name: "Buy 5 GB" }).click();
      await expect(clientPage.getByTestId("bought-balance")).toHaveText("5.000 GB");
    });

    await test.step("the order stands paid, with a receipt to load and a line in each ledger", () => readOrder(clientPage));

    await test.step("an operator enrols a device by its code and sees it online", async () => {
      await signUp(operatorPage, ready.mailUrl, "Operator", operator);
      await operatorPage.goto("/operator/nodes/add");
      await operatorPage.getByLabel("Name of the device (optional)").fill("Journey phone");
      await operatorPage.getByRole("button", { name: "Make a code" }).click();
      const code = await operatorPage.getByTestId("enrol-code").innerText();
      running.agent = await enrolAndRun(code.trim(), {
        address: nodeAddress,
        egressAllow: `127.0.0.1:${origin.httpPort},127.0.0.1:${origin.httpsPort}`,
      });
      await expect(operatorPage.getByTestId("enrol-progress")).toContainText("Journey phone is online", { timeout: 20_000 });
    });

    const proxyUrl = await test.step("the client creates a proxy user and opens the endpoint page", async () => {
      await clientPage.goto("/client/proxy-users");
      await clientPage.getByRole("button", { name: "Create proxy user" }).first().click();
      await clientPage.getByRole("button", { name: "Create", exact: true }).click();
      await expect(clientPage.getByTestId("secret-password")).toContainText("pxk");
      await clientPage.getByRole("link", { name: "Get the endpoint line" }).click();
      await expect(clientPage.getByTestId("endpoint-line")).toBeVisible();
      await clientPage.getByLabel("Country").selectOption("JP");
      return (await clientPage.getByTestId("proxy-url").innerText()).trim();
    });

    const before = (await tapped()).length;
    const watching = watchLiveTraffic(clientPage);
    for (const protocol of protocols) {
      await test.step(`the line as printed moves 10 MB down and 2 MB up over ${protocol.name}`, async () => {
        await clientPage.getByRole("radio", { name: protocol.name, exact: true }).click();
        const down = join(files, `down-${protocol.name}`);
        const got = await runLine(clientPage, `${protocol.scheme}://127.0.0.1:${protocol.port}/down?bytes=${downBytes}`, [
          "-k",
          "-o",
          down,
          "-D",
          `${down}.head`,
        ]);
        expect(got, `${protocol.name} download`).toMatchObject({ exitCode: 0, httpCode: 200 });
        expect(await sha256OfFile(down)).toBe(/x-sha256: ([0-9a-f]{64})/i.exec(readFileSync(`${down}.head`, "latin1"))?.[1]);
        const put = await runLine(clientPage, `${protocol.scheme}://127.0.0.1:${protocol.port}/up`, ["-k", "-T", upload, "-H", "expect:"]);
        expect(put, `${protocol.name} upload`).toMatchObject({ exitCode: 0, httpCode: 200 });
        expect(JSON.parse(put.stdout)).toEqual({ sha256: await sha256OfFile(upload), bytes: upBytes });
      });
    }
    await test.step("the live chart showed the bytes while they moved", () => watching.sawTraffic());

    const moved = (await tapped()).slice(before);
    expect(moved).toHaveLength(protocols.length * 2);
    const tapBytes = moved.reduce((sum, seen) => sum + BigInt(seen.upBytes + seen.downBytes), 0n);

    await test.step("the client's balance has fallen by exactly what the tap saw, within ten seconds", async () => {
      await clientPage.goto("/client");
      await expect.poll(() => exact(clientPage.getByTestId("balance-bytes")), { timeout: shownWithinMs }).toBe(boughtBytes - tapBytes);
    });

    const seen = await test.step("client and operator see the same sessions", () => readSessions(clientPage, operatorPage));
    expect(seen.length).toBe(moved.length);
    expect(seen.reduce((sum, row) => sum + row.bytes, 0n)).toBe(tapBytes);

    await test.step("the admin signs in with a mailed code and sees the same rows, reconciled", async () => {
      await signInAsAdmin(adminPage, ready.mailUrl, ready.logins.admin.email);
      await adminPage.goto("/admin/sessions");
      for (const row of seen) {
        const found = await rowFor(adminPage, "Search target, e-mail or id", row.id);
        expect((await exact(cell(found, "Down"))) + (await exact(cell(found, "Up")))).toBe(row.bytes);
        expect(await exact(cell(found, "Charged"))).toBe(row.due);
        expect(await exact(cell(found, "Operator earns"))).toBe(row.earned);
      }
      await adminPage.goto("/admin/reconciliation");
      await expect(adminPage.getByTestId("reconciliation")).toHaveAttribute("data-state", "equal");
    });

    await test.step("a stopped agent leaves the rotation, and nobody else answers for its country", async () => {
      await running.agent?.stop();
      running.agent = null;
      await operatorPage.goto("/operator/nodes");
      await expect(operatorPage.getByRole("row", { name: /Journey phone/ })).toContainText(/offline/i, { timeout: shownWithinMs });
      const refused = await curl("-x", proxyUrl, `http://127.0.0.1:${origin.httpPort}/down`);
      expect(refused.httpCode).toBe(503);
      expect(JSON.parse(refused.stdout)).toMatchObject({ code: "no_exit", billed: false });
    });

    const due = seen.reduce((sum, row) => sum + row.due, 0n);
    const earned = seen.reduce((sum, row) => sum + row.earned, 0n);
    const money = await readOverview(clientPage);
    expect(boughtMicroUsd - money.balanceMicroUsd).toBe(due);
    report({
      tapBytes,
      sessionRowBytes: seen.reduce((sum, row) => sum + row.bytes, 0n),
      billedBytes: boughtBytes - money.balanceBytes,
      debitedMicroUsd: boughtMicroUsd - money.balanceMicroUsd,
      operatorCreditMicroUsd: earned,
      feeMicroUsd: due - earned,
    });
  } finally {
    await running.agent?.stop();
    for (const page of [clientPage, operatorPage, adminPage]) await page.context().close();
    rmSync(files, { recursive: true, force: true });
  }
});

async function openPages(browser: Browser): Promise<readonly [Page, Page, Page]> {
  const open = async (): Promise<Page> => {
    const context = await browser.newContext({ baseURL: ready.panelUrl, viewport: { width: 1440, height: 900 } });
    return context.newPage();
  };
  return [await open(), await open(), await open()];
}

async function readOrder(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Orders", exact: true }).click();
  const orders = page.getByRole("table", { name: "Orders" }).locator("tbody tr");
  await expect(orders).toHaveCount(1);
  for (const text of ["5 GB", "paid", "TEST PAYMENT", "$15.00"]) await expect(orders).toContainText(text);
  const loading = page.waitForEvent("download");
  await orders.getByRole("link", { name: /^receipt/ }).click();
  const receipt = await loading;
  expect(receipt.suggestedFilename()).toMatch(/^receipt-\d+\.pdf$/);
  expect(readFileSync(await receipt.path(), "latin1")).toMatch(/^%PDF-/);
  await page.getByRole("link", { name: "Ledger", exact: true }).click();
  const lines = page.getByRole("table", { name: "Ledger" }).locator("tbody tr");
  await expect(lines.filter({ hasText: "+5,000,000,000 B" })).toHaveCount(1);
  await expect(lines.filter({ hasText: "+$15.000000" })).toHaveCount(1);
}

/** Points the page's curl command at `target`, reads it as a person would, and runs it in a shell with `extra` words behind. */
async function runLine(page: Page, target: string, extra: readonly string[]): Promise<CurlResult> {
  await page.getByLabel("Target of the curl command").fill(target);
  const line = (await page.getByTestId("curl-line").innerText()).trim();
  expect(line).toContain(new URL(target).host);
  return runCurlLine(line, extra);
}

/** Opens the overview in a second tab and remembers whether its live chart ever showed traffic. */
function watchLiveTraffic(page: Page): { sawTraffic(): Promise<void> } {
  const opened = page
    .context()
    .newPage()
    .then(async (tab) => {
      await tab.goto("/client");
      const chart = tab.getByTestId("live-traffic").getByRole("img");
      await expect(chart).toHaveAttribute("aria-label", /: (?!0 B\/s down)[\d.]+ \w+\/s down/, { timeout: 30_000 });
      await tab.close();
    });
  // The promise is awaited later; until then a failure must not count as unhandled.
  opened.catch(() => undefined);
  return { sawTraffic: () => opened };
}

interface SeenSession {
  readonly id: string;
  readonly bytes: bigint;
  readonly due: bigint;
  readonly earned: bigint;
}

async function readSessions(clientPage: Page, operatorPage: Page): Promise<readonly SeenSession[]> {
  await operatorPage.goto("/operator/sessions");
  const copies = operatorPage.getByRole("button", { name: /^Copy session id ses_/ });
  await expect(copies).toHaveCount(protocols.length * 2);
  await expect(operatorPage.getByRole("table", { name: "Sessions" })).not.toContainText(/\bopen\b/i);
  const labels = await copies.evaluateAll((buttons) => buttons.map((button) => button.getAttribute("aria-label") ?? ""));
  await clientPage.goto("/client/sessions");
  const seen: SeenSession[] = [];
  for (const label of labels) {
    const id = label.replace("Copy session id ", "");
    const own = await rowFor(clientPage, "Search target, address or id", id);
    const earning = await rowFor(operatorPage, "Search domain, node or id", id);
    const bytes = (await exact(cell(own, "Down"))) + (await exact(cell(own, "Up")));
    expect((await exact(cell(earning, "Down"))) + (await exact(cell(earning, "Up")))).toBe(bytes);
    seen.push({ id, bytes, due: await exact(cell(own, "Cost")), earned: await exact(cell(earning, "Earned")) });
  }
  return seen;
}

interface Money {
  readonly balanceBytes: bigint;
  readonly balanceMicroUsd: bigint;
}

/** The overview's figures as the API gives them, since the page rounds the dollars. */
async function readOverview(page: Page): Promise<Money> {
  const answer = await page.request.get("/api/trpc/client.overview");
  const body: unknown = await answer.json();
  const text = JSON.stringify(body);
  const read = (name: string): bigint => BigInt(new RegExp(`"${name}":"?(-?\\d+)`).exec(text)?.[1] ?? "-1");
  return { balanceBytes: read("balanceBytes"), balanceMicroUsd: read("balanceMicroUsd") };
}

/** Prints the journey's figures as one JSON line, so that a run leaves its evidence in the log. */
function report(figures: Readonly<Record<string, bigint>>): void {
  const plain = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value)]));
  process.stdout.write(`${JSON.stringify({ figure: "journey", ...plain })}\n`);
}
