/** What a person does in the browser before anything else: sign up, confirm by mail, sign in. */
import { expect, type Page } from "@playwright/test";
import { countMails, mailedCode } from "./mail.ts";

export interface Login {
  readonly email: string;
  readonly password: string;
}

export async function signUp(page: Page, mailUrl: string, role: "Client" | "Operator", login: Login): Promise<void> {
  await page.goto("/sign-up");
  await page.getByRole("radio", { name: role }).click();
  await page.getByLabel("E-mail").fill(login.email);
  await page.getByLabel("Password", { exact: true }).fill(login.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/confirm/);
  await page.getByLabel("Code").fill(await mailedCode(mailUrl, login.email));
  await page.getByRole("button", { name: "Confirm e-mail" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await signIn(page, login);
}

export async function signIn(page: Page, login: Login): Promise<void> {
  if (!page.url().includes("/sign-in")) await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(login.email);
  await page.getByLabel("Password", { exact: true }).fill(login.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/(client|operator)/);
}

/** `next` is where it leads, the overview when left out. */
export async function signInAsAdmin(page: Page, mailUrl: string, email: string, next = "/admin"): Promise<void> {
  // A code of an earlier sign-in must not be taken for this one's.
  const before = await countMails(mailUrl, email);
  await page.goto(`/admin/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send code" }).click();
  await page.getByLabel("Code").fill(await mailedCode(mailUrl, email, before));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/admin(?!\/sign-in)/);
}
