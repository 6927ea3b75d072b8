/** Reads exact figures out of a panel's table: the rounded text is for people, the title has every byte and micro-dollar. */
import { expect, type Locator, type Page } from "@playwright/test";

/** Digits of a title such as `10,485,760 B` or `$0.031458`, as an integer count of its smallest unit. */
export async function exact(locator: Locator): Promise<bigint> {
  const title = await locator.getAttribute("title");
  if (title === null) throw new Error("the figure has no title with its exact value");
  return BigInt(title.replaceAll(/\D/g, ""));
}

export function cell(row: Locator, name: string): Locator {
  return row.locator(`td[data-label="${name}"] [title]`).first();
}

/** The one row that a search for `text` leaves in the table. The search before it is cleared first: its row must not be taken for this one's. */
export async function rowFor(page: Page, searchLabel: string, text: string): Promise<Locator> {
  const rows = page.getByRole("table", { name: "Sessions" }).locator("tbody tr");
  await page.getByLabel(searchLabel).fill("");
  await expect(rows).not.toHaveCount(1);
  await page.getByLabel(searchLabel).fill(text);
  await expect(rows).toHaveCount(1);
  return rows.first();
}
