import { defineConfig } from "@playwright/test";
import { findBrowser } from "./scripts/browser.ts";

/** The journeys run one after another: they share one running platform, started by the global setup. */
export default defineConfig({
  testDir: "apps/web/e2e",
  testMatch: "**/*.e2e.ts",
  globalSetup: "./apps/web/e2e/support/setup.ts",
  timeout: 120_000,
  workers: 1,
  forbidOnly: Boolean(process.env["CI"]),
  reporter: "list",
  use: { launchOptions: await findBrowser(), trace: "retain-on-failure", acceptDownloads: true },
});
