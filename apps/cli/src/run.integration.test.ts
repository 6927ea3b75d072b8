import { newId } from "@karvon/domain";
import { readSettings } from "@karvon/settings";
import type { ClientFixture, Fixtures, OperatorFixture } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "./connect.ts";
import { run } from "./run.ts";
import { openPlatform, type Platform } from "./test/open-platform.ts";

let platform: Platform;
let fixtures: Fixtures;
let client: ClientFixture;
let operator: OperatorFixture;
const typed: Platform["typed"] = (...args) => platform.typed(...args);
const json: Platform["json"] = (...args) => platform.json(...args);

beforeAll(async () => {
  platform = await openPlatform();
  fixtures = platform.fixtures;
  client = await fixtures.makeClient();
  operator = await fixtures.makeOperator();
  await fixtures.credit(client.clientId, 5_000_000_000n);
});
afterAll(() => platform.close());

describe("karvon on a database", () => {
  test("makes, lists, disables and enables a proxy user, and the audit log names the command line", async () => {
    expect(await json("proxy-user", "create", "--username", "robot1", "--limit-gb", "2")).toMatchObject({
      username: "robot1",
      password: expect.stringMatching(/^pxk[A-Za-z0-9]{24}$/),
    });
    expect(await json("proxy-user", "list")).toMatchObject([{ username: "robot1", status: "active", trafficLimitBytes: 2_000_000_000 }]);
    await json("proxy-user", "disable", "robot1");
    expect(await json("proxy-user", "list")).toMatchObject([{ username: "robot1", status: "disabled" }]);
    await json("proxy-user", "enable", "robot1");
    const audit = await fixtures.pool.query("select action, actor_id, actor_role from audit_log order by seq");
    expect(audit.rows).toEqual(
      ["create", "disable", "enable"].map((verb) => ({ action: `proxy_user.${verb}`, actor_id: "system:cli", actor_role: "client" })),
    );
  });

  test("refuses a username that is taken, with its code", async () => {
    await typed("proxy-user", "create", "--username", "robot2");
    expect(await typed("proxy-user", "create", "--username", "robot2")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("(USERNAME_TAKEN)"),
    });
  });

  test("refuses a username that the grammar does not know before it is written", async () => {
    expect(await typed("proxy-user", "create", "--username", "Ann-Lee")).toMatchObject({
      code: 1,
      err: expect.stringContaining("username: A proxy username has 4 to 32"),
    });
  });

  test("makes an enrolment code for the only operator", async () => {
    const made = await json("enroll-code", "--label", "attic");
    expect(made).toMatchObject({ code: expect.stringMatching(/^kve1\./), command: expect.stringContaining("karvon-agent enroll kve1.") });
    const tokens = await fixtures.pool.query("select operator_id, label from enrolment_token");
    expect(tokens.rows).toEqual([{ operator_id: operator.operatorId, label: "attic" }]);
  });

  test("tells the balance to the byte", async () => {
    expect(await json("balance")).toMatchObject({ email: client.email, balanceBytes: 5_000_000_000, picoUsdPerByte: 3000 });
  });

  test("lists nodes and sessions", async () => {
    const { nodeId } = await fixtures.makeNode(operator.operatorId);
    expect(await json("nodes")).toMatchObject([{ id: nodeId, operatorEmail: operator.email, state: "offline" }]);
    expect(await json("sessions", "--status", "open", "--limit", "500")).toEqual([]);
    expect(await typed("sessions", "--status", "open")).toMatchObject({ code: 0, out: "none\n" });
  });

  test("asks for a payout once with one key, and lists what waits for staff", async () => {
    await fixtures.earn(operator.operatorId, 30_000_000n);
    const words = ["payout", "request", "12.50", "--destination", "DE89 3704 0044 0532 0130 00", "--holder", "Ann", "--key", "cli-key-1"];
    const asked = await json(...words);
    expect(asked).toMatchObject({ status: "requested", amountMicroUsd: 12_500_000, destination: "DE89370400440532013000" });
    expect(await json(...words)).toEqual(asked);
    expect(await json("payout", "list")).toMatchObject([{ operatorEmail: operator.email, status: "requested" }]);
    expect(await typed("payout", "list", "--status", "paid")).toMatchObject({ code: 0, out: "none\n" });
    expect(await typed("payout", "request", "5", "--destination", "x", "--holder", "Ann")).toMatchObject({
      code: 1,
      err: expect.stringContaining("The least amount is 10 USD. (INPUT_INVALID)"),
    });
  });

  test("reconciles, and says so with its exit code", async () => {
    const found = await typed("reconcile");
    expect(found).toMatchObject({ code: 0, err: "" });
    expect(found.out).toContain("measured by the gateways    0 bytes");
    await fixtures.pool.query("alter table ledger_account disable trigger all");
    await fixtures.pool.query("update ledger_account set posted = posted + 1 where owner_id = $1", [client.clientId]);
    const broken = await typed("reconcile");
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(/^WRONG +2 {2}C1 /m);
    expect(broken.out).toMatch(/^C1 {2}account \d+: balance /m);
    const runs = await fixtures.pool.query("select asked_by, bad_count > 0 as is_bad from reconcile_run order by id");
    expect(runs.rows).toEqual([false, true].map((is_bad) => ({ asked_by: "system:cli", is_bad })));
  });

  test("shows what a session cost, and says of another client's session what it says of none", async () => {
    const id = newId("ses");
    const { proxyUserId } = await fixtures.makeProxyUser(client.clientId, { username: "receipts" });
    const { nodeId } = await fixtures.makeNode(operator.operatorId);
    await fixtures.pool.query(
      `insert into proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port,
         exit_address, exit_country, up_bytes, down_bytes, due_micro_usd, failed_attempts)
       values ($1, now(), $2, $3, $4, $5, 'gwy', $6, 'connect', 'example.org', 443, '203.0.113.9', 'DE', 1000, 2000000, 6003, 2)`,
      [id, client.clientId, proxyUserId, operator.operatorId, nodeId, fixtures.priceId],
    );
    expect(await json("receipt", id)).toMatchObject({ id, upBytes: 1_000, downBytes: 2_000_000, amountMicroUsd: 6_003, failedAttempts: 2 });
    const told = await typed("receipt", id);
    expect(told.out).toMatch(/^price +3\.000000 USD per GB \(Standard, prc_/m);
    expect(told.out).toMatch(/^amount due +0\.006003 USD$/m);
    expect(told.out).not.toContain("203.0.113.9");
    const stranger = await fixtures.makeClient();
    expect(await typed("receipt", id, "--client", stranger.email)).toMatchObject({ code: 1, err: expect.stringContaining("(NOT_FOUND)") });
    await fixtures.pool.query("delete from client where id = $1", [stranger.clientId]);
  });

  test("asks which client when there are two", async () => {
    const second = await fixtures.makeClient();
    expect(await typed("balance")).toMatchObject({ code: 1, err: expect.stringContaining("say which one with --client EMAIL") });
    expect(await json("balance", "--client", second.email)).toMatchObject({ balanceBytes: 0 });
    expect(await typed("balance", "--client", "nobody@test.local")).toMatchObject({
      code: 1,
      err: expect.stringContaining("There is no client with the address nobody@test.local"),
    });
  });
});

test("a data folder without a running platform gets one sentence", async () => {
  const said: string[] = [];
  const settings = readSettings({ KARVON_DATA_DIR: platform.dataDir });
  const code = await run(["nodes"], { out: () => undefined, err: (text) => said.push(text) }, () => connect(settings));
  expect(code).toBe(1);
  expect(said.join("")).toMatch(
    /^karvon: Karvon does not run on .*; start it with npm start, or set KARVON_DATA_DIR or DATABASE_URL to the one that does\.\n$/,
  );
});
