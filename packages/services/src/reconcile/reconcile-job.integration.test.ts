/** The job on a real database with a real mail server. */
import { until } from "@karvon/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getReconciliation, openSmtpMailer, startReconcileJob, type AdminActor, type Mailer, type ReconcileJob } from "../index.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";

let panel: TestPanel;
let admin: AdminActor & { email: string };
let mailer: Mailer;
const jobs: ReconcileJob[] = [];
let failures: unknown[] = [];

beforeEach(async () => {
  panel = await openPanel();
  admin = await panel.admin();
  mailer = openSmtpMailer(panel.smtpUrl);
  failures = [];
});
afterEach(async () => {
  for (const job of jobs.splice(0)) await job.close();
  await mailer.close();
  await panel.close();
});

function startJob(over = mailer): ReconcileJob {
  const job = startReconcileJob({ ctx: panel.ctx(admin), mailer: over, onFailure: (cause) => failures.push(cause), tickMs: 20 });
  jobs.push(job);
  return job;
}

const see = () => getReconciliation(panel.ctx(admin));
const makeDue = () => panel.fixtures.pool.query("UPDATE reconcile_run SET at = at - interval '6 minutes'");
const runCount = async (): Promise<number> => (await see()).history.length;

async function alter(text: string): Promise<void> {
  const client = await panel.fixtures.pool.connect();
  await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${text}; COMMIT`);
  client.release();
}
const breakBooks = () => alter("UPDATE ledger_account SET posted = posted + 7 WHERE kind = 'write_off'");
const mendBooks = () => alter("UPDATE ledger_account SET posted = posted - 7 WHERE kind = 'write_off'");
const subjects = (): string[] => panel.mails.map(({ text }) => /^Subject: (.*?)\r?$/m.exec(text)?.[1] ?? "");

describe("the reconciliation job", () => {
  test("makes a full run when there is none, and the next after five minutes", async () => {
    startJob();
    await until(async () => (await runCount()) === 1);
    expect((await see()).lastRun).toMatchObject({ scope: "full", askedBy: "system:schedule", badCount: 0 });
    await makeDue();
    await until(async () => (await runCount()) === 2);
    expect(failures).toEqual([]);
  });

  test("runs once, however many processes have it", async () => {
    for (let count = 0; count < 6; count += 1) startJob();
    await until(async () => (await runCount()) > 0);
    await makeDue();
    await until(async () => (await runCount()) > 1);
    for (const job of jobs.splice(0)) await job.close();
    expect(await runCount()).toBe(2);
    expect(failures).toEqual([]);
  });

  test("waits for nobody: while another process runs, it makes none", async () => {
    const other = await panel.fixtures.pool.connect();
    await other.query("BEGIN; SELECT pg_advisory_xact_lock(karvon_reconcile_lock())");
    await startJob().close();
    expect(await runCount()).toBe(0);
    await other.query("COMMIT");
    other.release();
    startJob();
    await until(async () => (await runCount()) === 1);
  });

  test("tells every admin of a break once, and that it has healed", async () => {
    const second = await panel.admin();
    await breakBooks();
    startJob();
    await until(() => panel.mails.length === 2);
    expect(subjects()).toEqual(Array.from({ length: 2 }, () => "Karvon: The books do not agree"));
    expect(panel.mails.flatMap(({ recipients }) => recipients).toSorted()).toEqual([admin.email, second.email].toSorted());
    expect(panel.mails[0]?.text).toContain("C7 All balances sum to zero: 1 wrong");
    expect(panel.mails[0]?.text).toContain("/admin/reconciliation");

    await makeDue();
    await until(async () => (await runCount()) === 2);
    await mendBooks();
    await makeDue();
    await until(() => panel.mails.length === 4);
    expect(subjects().slice(2)).toEqual(Array.from({ length: 2 }, () => "Karvon: The books agree again"));
  });

  test("sends what the mail server did not take when it takes mail again", async () => {
    await breakBooks();
    const dead = openSmtpMailer("smtp://127.0.0.1:1");
    const job = startJob(dead);
    await until(() => failures.length > 1);
    await job.close();
    await dead.close();
    expect(panel.mails).toEqual([]);
    startJob();
    await until(() => panel.mails.length === 1);
  });

  test("writes down a run that came to no result, and makes the next when it is due", async () => {
    await panel.fixtures.pool.query("ALTER FUNCTION reconcile_perform(text, text, integer) RENAME TO hidden");
    startJob();
    await until(async () => (await runCount()) === 1);
    expect(await see()).toMatchObject({ lastRun: null, history: [{ failure: expect.stringContaining("reconcile_perform") }] });
    await panel.fixtures.pool.query("ALTER FUNCTION hidden(text, text, integer) RENAME TO reconcile_perform");
    await makeDue();
    await until(async () => (await see()).lastRun !== null);
    expect((await see()).lastRun).toMatchObject({ scope: "full", badCount: 0 });
    expect(failures).toHaveLength(1);
  });
});
