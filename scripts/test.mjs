// `npm test`: everything that a fresh machine needs to pass all tests, then all tests. The last line is
// `N passed, N failed`; the exit code is not 0 when anything failed.
import { mkdirSync, readFileSync } from "node:fs";
import { explainNode } from "./lib/node-version.mjs";

const results = "test-results";
const counts = { passed: 0, failed: 0, skipped: 0 };

const complaint = explainNode(process.versions.node);
if (complaint) fail(complaint);
const { ensureBuilt, ensureInstalled, node, root, say, StepError } = await import("./lib/steps.mjs");
const { ensureSystemTools } = await import("./lib/system-tools.mjs");

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  counts.failed += 1;
  finish();
}

function finish() {
  if (counts.skipped > 0)
    process.stdout.write(`\n${counts.skipped} skipped: they belong to a longer tier, or this machine lacks what they need\n`);
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed\n`);
  process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
}

function readReport(path, what) {
  try {
    return JSON.parse(readFileSync(root + path, "utf8"));
  } catch {
    process.stderr.write(`${what} left no report.\n`);
    counts.failed += 1;
    return null;
  }
}

async function runVitest() {
  say("unit and integration tests");
  const path = `${results}/vitest.json`;
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
  const done = await node("node_modules/vitest/vitest.mjs", args, { show: true });
  const report = readReport(path, "vitest");
  if (report === null) return;
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests;
  counts.skipped += report.numPendingTests + report.numTodoTests;
  // A file that does not even load has no failed test of its own, and an unhandled error belongs to none.
  if (done.code !== 0 && report.numFailedTests === 0) counts.failed += 1;
}

async function runJourneys() {
  say("journeys in a browser");
  const path = `${results}/journeys.json`;
  const env = { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: path };
  const done = await node("node_modules/@playwright/test/cli.js", ["test", "--reporter=list,json"], { show: true, env });
  const stats = readReport(path, "playwright")?.stats;
  if (!stats) return;
  counts.passed += stats.expected;
  counts.failed += stats.unexpected + stats.flaky;
  counts.skipped += stats.skipped;
  if (done.code !== 0 && stats.unexpected + stats.flaky === 0) counts.failed += 1;
}

try {
  mkdirSync(root + results, { recursive: true });
  await ensureInstalled();
  await ensureSystemTools();
  const { checkAll } = await import("./check.mjs");
  const failedChecks = await checkAll();
  counts.failed += failedChecks.length;
  await ensureBuilt();
  await runVitest();
  await runJourneys();
  if (failedChecks.length > 0) say(`failed checks: ${failedChecks.join(", ")}`);
} catch (error) {
  fail(error instanceof StepError ? error.message : String(error?.stack ?? error));
}
finish();
