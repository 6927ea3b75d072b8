/**
 * Money that two people move: a correction that one admin proposes and another approves, and a payout of it that one checks and
 * the other sends. What is bought is in journey.e2e.ts.
 */
import { randomBytes } from "node:crypto";
import { expect as expectNow, test, type Browser, type Locator, type Page } from "@playwright/test";
import { signIn, signInAsAdmin } from "./support/people.ts";
import { readReady, secondAdminEmail } from "./support/platform.ts";

/** Lists are renewed every five seconds. */
const expect = expectNow.configure({ timeout: 10_000 });

const ready = readReady();
const run = randomBytes(4).toString("hex");
const { operator } = ready.logins;
const reason = `Agreed in ticket ${run}`;
const iban = "DE89 3704 0044 0532 0130 00";
const bankReference = `FT ${run}`;

test("a correction and a payout are moved by two admins, and the operator sees each step", async ({ browser }) => {
  const [owner, first, second] = [await openPage(browser), await openPage(browser), await openPage(browser)];
  await owner.goto(`/sign-in?next=${encodeURIComponent("/operator/ledger")}`);
  await Promise.all([
    signIn(owner, operator),
    signInAsAdmin(first, ready.mailUrl, ready.logins.admin.email, "/admin/corrections"),
    signInAsAdmin(second, ready.mailUrl, secondAdminEmail, "/admin/payouts"),
  ]);

  await test.step("what is more than one admin may post alone waits for another", async () => {
    await first.getByRole("button", { name: "New correction" }).first().click();
    await first.getByLabel(/^E-mail of/).fill(operator.email);
    await first.getByLabel(/^Amount in USD/).fill("60");
    await first.getByLabel("Reason").fill(reason);
    await first.getByRole("button", { name: "Propose correction" }).click();
    const proposed = rowOf(first, "Corrections", operator.email);
    await expect(proposed).toContainText("proposed");
    await expect(proposed).toContainText("another admin approves it");
    await expect(proposed.getByRole("button", { name: /^Approve/ })).toHaveCount(0);
  });

  await test.step("the other admin approves it, and the operator reads why", async () => {
    await open(second, "Corrections");
    await rowOf(second, "Corrections", operator.email)
      .getByRole("button", { name: /^Approve/ })
      .click();
    await second.getByRole("button", { name: "Post correction" }).click();
    await expect(rowOf(second, "Corrections", operator.email)).toContainText("posted");
    await expect(rowOf(owner, "Ledger", reason)).toContainText("+$60.000000");
  });

  await test.step("the operator asks for the whole of it", async () => {
    await open(owner, "Payouts");
    await owner.getByRole("button", { name: "Request payout" }).first().click();
    const dialog = owner.getByRole("dialog");
    await dialog.getByLabel("Amount in USD").fill("60");
    await dialog.getByLabel("IBAN").fill(iban);
    await dialog.getByLabel("Account holder").fill("Aziza Karimova");
    await dialog.getByRole("button", { name: "Request payout" }).click();
    await expect(rowOf(owner, "Payouts", iban)).toContainText("requested");
    await open(owner, "Ledger");
    await expect(rowOf(owner, "Ledger", "-$60.000000")).toContainText("Set aside to be paid out.");
  });

  await test.step("one admin checks it and cannot send it", async () => {
    await open(first, "Payouts");
    await rowOf(first, "Payouts", operator.email)
      .getByRole("button", { name: /^Check/ })
      .click();
    await first.getByRole("button", { name: "Check payout" }).click();
    await expect(rowOf(first, "Payouts", operator.email)).toContainText("another admin sends it");
    await expect(rowOf(first, "Payouts", operator.email).getByRole("button", { name: /^Send/ })).toHaveCount(0);
  });

  await test.step("the other sends it and marks it paid", async () => {
    await open(second, "Payouts");
    const payout = rowOf(second, "Payouts", operator.email);
    await payout.getByRole("button", { name: /^Send/ }).click();
    await second.getByRole("button", { name: "Send", exact: true }).click();
    await payout.getByRole("button", { name: /^Mark paid/ }).click();
    await second.getByLabel("Reference").fill(bankReference);
    await second.getByRole("dialog").getByRole("button", { name: "Mark paid" }).click();
    await second.getByRole("radio", { name: "Paid" }).click();
    await expect(payout).toContainText(bankReference);
  });

  await test.step("the operator sees it paid, and the books agree", async () => {
    await open(owner, "Payouts");
    const payout = rowOf(owner, "Payouts", iban);
    await expect(payout).toContainText("paid");
    await expect(payout).toContainText(bankReference);
    await open(first, "Reconciliation");
    await first.getByRole("button", { name: "Check everything now" }).click();
    await expect(first.getByRole("table", { name: "Runs" }).locator("tbody tr").first()).toContainText(ready.logins.admin.email);
    await expect(first.getByTestId("reconciliation")).toHaveAttribute("data-state", "equal");
  });
});

async function openPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ baseURL: ready.panelUrl, viewport: { width: 1440, height: 900 } });
  return context.newPage();
}

/** By the panel's navigation: the page is not loaded anew. */
async function open(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
}

function rowOf(page: Page, table: string, text: string): Locator {
  return page.getByRole("table", { name: table }).locator("tbody tr").filter({ hasText: text });
}
