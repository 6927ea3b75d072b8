/** The people of the screenshots, each signed in as a person would be. Codes are read from the platform's own mailbox. */
import type { Page } from "@playwright/test";
import type { Login, Ready } from "./ready.ts";

const codeWithinMs = 20_000;

export async function signIn(page: Page, login: Login): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(login.email);
  await page.getByLabel("Password", { exact: true }).fill(login.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/(client|operator)$/);
}

export async function signInAsAdmin(page: Page, ready: Ready): Promise<void> {
  const { email } = ready.logins.admin;
  const before = (await mailedCodes(ready, email)).length;
  await page.goto("/admin/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send code" }).click();
  await page.getByLabel("Code").fill(await nextCode(page, ready, email, before));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/admin$/);
}

export async function signUp(page: Page, ready: Ready, role: "Client" | "Operator"): Promise<void> {
  const email = `newcomer-${Date.now().toString(36)}@screenshots.example`;
  const password = `pw-${crypto.randomUUID()}`;
  await page.goto("/sign-up");
  await page.getByRole("radio", { name: role }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL(/\/confirm/);
  await page.getByLabel("Code").fill(await nextCode(page, ready, email, 0));
  await page.getByRole("button", { name: "Confirm e-mail" }).click();
  await page.waitForURL(/\/sign-in/);
  await signIn(page, { email, password });
}

interface Mail {
  readonly to: string;
  readonly text: string;
}

/** The codes mailed to an address, newest first. */
async function mailedCodes(ready: Ready, email: string): Promise<readonly string[]> {
  const mails: readonly Mail[] = await (await fetch(new URL("/api/mails", ready.mailUrl))).json();
  return mails.filter((mail) => mail.to.includes(email)).flatMap((mail) => /Code: (\d{6,8})/.exec(mail.text)?.[1] ?? []);
}

async function nextCode(page: Page, ready: Ready, email: string, before: number): Promise<string> {
  const deadlineMs = Date.now() + codeWithinMs;
  while (Date.now() < deadlineMs) {
    const codes = await mailedCodes(ready, email);
    if (codes.length > before && codes[0] !== undefined) return codes[0];
    await page.waitForTimeout(200);
  }
  throw new Error(`no code was mailed to ${email}`);
}
