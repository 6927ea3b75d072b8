/** What is taken: each page with what has to happen on it first. */
import type { Page } from "@playwright/test";

export interface Shot {
  readonly name: string;
  readonly path: string;
  /** What has to happen on the page before the picture. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** With --review it is taken again while nothing has been answered, and when nobody answers. */
  readonly hasStates?: boolean;
  /** Taken with --review alone: the page itself is among the others. */
  readonly isForReview?: boolean;
}

/** Their charts need time to fill: opened first, taken last. */
export const liveNames: ReadonlySet<string> = new Set(["client-overview", "operator-overview", "admin-network"]);

const pagesOf = (panel: string, names: readonly string[], hasStates = false): Shot[] =>
  names.map((page) => ({ name: `${panel}-${page}`, path: `/${panel}/${page}`, hasStates }));

const press = (name: string | RegExp) => (page: Page) => page.getByRole("button", { name }).first().click();

/** Opens a dialog and sends it as it is, or with what `fill` writes: what is wrong stands under the fields. */
const sendWrong =
  (open: string, send: string, fill: (page: Page) => Promise<void> = async () => undefined) =>
  async (page: Page) => {
    await press(open)(page);
    await fill(page);
    await page.getByRole("dialog").getByRole("button", { name: send }).click();
  };

export const publicShots: readonly Shot[] = [
  { name: "landing", path: "/" },
  { name: "sign-in", path: "/sign-in" },
  { name: "sign-up", path: "/sign-up" },
  { name: "confirm", path: "/confirm?email=aziza@example.com" },
  { name: "admin-sign-in", path: "/admin/sign-in" },
];

export const newcomerShots: readonly Shot[] = [
  { name: "newcomer-overview", path: "/client" },
  { name: "newcomer-endpoint", path: "/client/endpoint" },
  { name: "newcomer-sessions", path: "/client/sessions" },
  { name: "newcomer-orders", isForReview: true, path: "/client/orders" },
  { name: "newcomer-ledger", isForReview: true, path: "/client/ledger" },
  { name: "newcomer-secret", path: "/client/proxy-users", prepare: createProxyUser },
];

export const newOperatorShots: readonly Shot[] = ["earnings", "payouts", "ledger"].map((page) => ({
  name: `new-operator-${page}`,
  isForReview: true,
  path: `/operator/${page}`,
}));

/** Before any money is there. */
export const emptyAdminShots: readonly Shot[] = ["orders", "payouts", "corrections"].map((page) => ({
  name: `empty-admin-${page}`,
  isForReview: true,
  path: `/admin/${page}`,
}));

export const clientShots: readonly Shot[] = [
  ...pagesOf("client", ["proxy-users", "endpoint", "refusals", "account"]),
  ...pagesOf("client", ["buy", "sessions", "ledger", "orders"], true),
  { name: "client-cancel-order", isForReview: true, path: "/client/orders", prepare: press(/^Cancel order/) },
  { name: "client-bought", isForReview: true, path: "/client/buy", prepare: buyByTransfer },
  { name: "client-rules", isForReview: true, path: "/client/proxy-users", prepare: press(/^Rules of/) },
  { name: "client-addresses", path: "/client/proxy-users", prepare: press(/^Addresses of/) },
  { name: "client-receipt", path: "/client/sessions", prepare: openReceipt },
  { name: "client-overview", path: "/client" },
];

export const operatorShots: readonly Shot[] = [
  { name: "operator-nodes", path: "/operator/nodes" },
  { name: "operator-add-node", path: "/operator/nodes/add", prepare: press("Make a code") },
  { name: "operator-receipt", path: "/operator/sessions", prepare: openReceipt },
  ...pagesOf("operator", ["sessions", "account"]),
  ...pagesOf("operator", ["earnings", "ledger", "payouts"], true),
  {
    name: "operator-payout-request",
    path: "/operator/payouts",
    prepare: sendWrong("Request payout", "Request payout", (page) => page.getByLabel("Amount in USD").fill("5")),
  },
  {
    name: "operator-payout-refused",
    isForReview: true,
    path: "/operator/payouts",
    prepare: sendWrong("Request payout", "Request payout", async (page) => {
      await page.getByLabel("Amount in USD").fill("99999");
      await page.getByLabel("IBAN").fill("DE89 3704 0044 0532 0130 00");
      await page.getByLabel("Account holder").fill("Aziza Karimova");
    }),
  },
  { name: "operator-take-back", isForReview: true, path: "/operator/payouts", prepare: press(/^Take back/) },
  { name: "operator-overview", path: "/operator" },
];

export const adminShots: readonly Shot[] = [
  ...pagesOf("admin", ["users", "nodes", "sessions", "refusals", "account"]),
  ...pagesOf("admin", ["orders", "payouts", "corrections", "prices", "reconciliation"], true),
  { name: "admin-order-rate", isForReview: true, path: "/admin/orders", prepare: sendWrong("State a rate", "State rate") },
  { name: "admin-order-transfer", isForReview: true, path: "/admin/orders", prepare: press(/^Confirm the transfer/) },
  { name: "admin-order-refund", isForReview: true, path: "/admin/orders", prepare: press(/^Refund order/) },
  { name: "admin-payout-check", path: "/admin/payouts", prepare: press(/^Check /) },
  { name: "admin-payout-send", isForReview: true, path: "/admin/payouts", prepare: press(/^Send \$/) },
  { name: "admin-payout-paid", isForReview: true, path: "/admin/payouts", prepare: press(/^Mark paid/) },
  { name: "admin-payout-fail", isForReview: true, path: "/admin/payouts", prepare: press(/^Fail \$/) },
  { name: "admin-payout-batch", isForReview: true, path: "/admin/payouts", prepare: chooseBatch },
  {
    name: "admin-correction-propose",
    path: "/admin/corrections",
    prepare: sendWrong("New correction", "Propose correction", (page) => page.getByLabel("E-mail").fill("nobody")),
  },
  { name: "admin-correction-approve", isForReview: true, path: "/admin/corrections", prepare: press(/^Approve/) },
  { name: "admin-correction-reject", isForReview: true, path: "/admin/corrections", prepare: press(/^Reject the/) },
  {
    name: "admin-price-publish",
    path: "/admin/prices",
    prepare: sendWrong("Publish a price", "Publish price", (page) => page.getByLabel(/^Other rates/).fill("Germany=2")),
  },
  { name: "admin-price-withdraw", isForReview: true, path: "/admin/prices", prepare: press(/^Withdraw/) },
  { name: "admin-terms", isForReview: true, path: "/admin/users", prepare: press(/^Terms of/) },
  { name: "admin-addresses", path: "/admin/users", prepare: press(/^Addresses of demo-client/) },
  { name: "admin-audit", path: "/admin/audit", prepare: press("Verify chain") },
  { name: "admin-network", path: "/admin" },
];

/** While a fault is planted. */
export const redShots: readonly Shot[] = [{ name: "red-reconciliation", path: "/admin/reconciliation", prepare: checkEverything }];

async function checkEverything(page: Page): Promise<void> {
  await press("Check everything now")(page);
  await page.getByTestId("reconciliation").and(page.locator("[data-state=unequal]")).waitFor();
}

async function openReceipt(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Receipt" }).first().click();
  await page.getByTestId("receipt").waitFor();
}

async function createProxyUser(page: Page): Promise<void> {
  await press("Create proxy user")(page);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByTestId("secret-password").waitFor();
}

async function buyByTransfer(page: Page): Promise<void> {
  await page.getByRole("radio", { name: /Bank transfer/ }).check();
  await page.getByRole("button", { name: /^Buy / }).click();
  await page.getByText("The order waits for its payment").waitFor();
}

async function chooseBatch(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Checked" }).click();
  await page.getByRole("checkbox", { disabled: false }).first().check();
}

/** In the order in which they are listed. */
export const everyShot: readonly Shot[] = [
  ...publicShots,
  ...newcomerShots,
  ...newOperatorShots,
  ...emptyAdminShots,
  ...clientShots,
  ...operatorShots,
  ...adminShots,
  ...redShots,
];
