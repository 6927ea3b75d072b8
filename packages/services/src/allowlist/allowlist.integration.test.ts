import { AppError, newId, parsePrefix } from "@karvon/domain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientActor } from "../actor.ts";
import { grantAllowlistBlock } from "../admin/grant-allowlist-block.ts";
import { listAudit } from "../admin/list-audit.ts";
import { listClientAllowlist } from "../admin/list-client-allowlist.ts";
import { revokeAllowlistEntry } from "../admin/revoke-allowlist-entry.ts";
import { createAllowlistEntry } from "../client/create-allowlist-entry.ts";
import { deleteAllowlistEntry } from "../client/delete-allowlist-entry.ts";
import { listAllowlist } from "../client/list-allowlist.ts";
import type { ServiceContext } from "../context.ts";
import { openPanel, type TestPanel } from "../test/open-panel.ts";
import { allowlistEntriesMax } from "./insert-entry.ts";

let panel: TestPanel;
beforeAll(async () => {
  panel = await openPanel();
});
afterAll(() => panel.close());

interface Customer extends ClientActor {
  readonly email: string;
  readonly proxyUserId: string;
  readonly username: string;
}

async function customer(): Promise<Customer> {
  const client = await panel.client();
  return { ...client, ...(await panel.fixtures.makeProxyUser(client.clientId)) };
}

/** A block of 256 public addresses that no other test has: `place()` is "9.4.7", say. */
let places = 0;
const place = (): string => `9.4.${(places += 1)}`;

const at = (who: ClientActor, ipAddress: string): ServiceContext => panel.ctx(who, { ipAddress });

function list(who: Customer, address: string, seenAt = address, defaultParameters = ""): Promise<{ id: string }> {
  return createAllowlistEntry(at(who, seenAt), { proxyUserId: who.proxyUserId, address, defaultParameters });
}

async function grant(proxyUserId: string, block: string, defaultParameters = ""): Promise<{ id: string }> {
  const reason = "their office";
  return grantAllowlistBlock(panel.ctx(await panel.admin()), { proxyUserId, block, defaultParameters, reason });
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "nothing refused it";
  } catch (cause) {
    return cause instanceof AppError ? `${cause.code}: ${cause.message}` : String(cause);
  }
}

/** A session that a gateway has written down. */
async function logSession(who: Customer, address: string, { agoMs = 0, hasPassword = true } = {}): Promise<void> {
  const operator = await panel.fixtures.makeOperator();
  const { nodeId } = await panel.fixtures.makeNode(operator.operatorId);
  await panel.fixtures.pool.query(
    `insert into proxy_session (id, opened_at, client_id, proxy_user_id, operator_id, node_id, gateway_id, price_id, protocol, target_host, target_port,
       client_address, has_password)
     values ($1, $2, $3, $4, $5, $6, 'gwy_test', $7, 'connect', 'example.org', 443, $8, $9)`,
    [
      newId("ses"),
      new Date(Date.now() - agoMs),
      who.clientId,
      who.proxyUserId,
      operator.operatorId,
      nodeId,
      panel.fixtures.priceId,
      address,
      hasPassword,
    ],
  );
}

describe("a client shows that it holds an address", () => {
  test("by the panel's request, which is as good for IPv6", async () => {
    const who = await customer();
    const address = `${place()}.1`;
    await list(who, address);
    await list(who, "2620:fe::9");
    expect((await listAllowlist(at(who, address), { id: who.proxyUserId })).entries.map((entry) => entry.block)).toEqual([
      "2620:fe::9",
      address,
    ]);
  });

  test("by a session with a password of any of its own proxy users in the last 24 hours", async () => {
    const who = await customer();
    const address = `${place()}.1`;
    await logSession(who, address, { agoMs: 86_000_000 });
    expect((await listAllowlist(at(who, "9.3.3.3"), { id: who.proxyUserId })).shown).toEqual([address]);
    expect(await list(who, address, "9.3.3.3")).toEqual({ id: expect.stringMatching(/^alw_/) });
  });

  test("not by saying so, by a neighbour, by an older session, by one without a password, or by another client's", async () => {
    const [who, other] = [await customer(), await customer()];
    const net = place();
    await logSession(who, `${net}.2`, { agoMs: 86_500_000 });
    await logSession(who, `${net}.3`, { hasPassword: false });
    await logSession(other, `${net}.4`);
    for (const last of [1, 2, 3, 4]) {
      expect(await refusal(list(who, `${net}.${last}`, `${net}.9`))).toMatch(
        new RegExp(`^ADDRESS_UNPROVEN: You have not shown that ${net}.${last} is yours\\. Open this panel from there`),
      );
    }
    expect(await refusal(createAllowlistEntry(panel.ctx(who, { ipAddress: null }), entryOf(who, `${net}.1`)))).toMatch("ADDRESS_UNPROVEN");
    const seen = await listAllowlist(at(who, `${net}.9`), { id: who.proxyUserId });
    expect(seen).toEqual({ entries: [], here: { address: `${net}.9`, isPublic: true }, shown: [] });
  });

  test("and lists it for its own proxy users only", async () => {
    const [who, other] = [await customer(), await customer()];
    const address = `${place()}.1`;
    const foreign = { ...entryOf(who, address), proxyUserId: other.proxyUserId };
    expect(await refusal(createAllowlistEntry(at(who, address), foreign))).toBe("NOT_FOUND: There is no such proxy user.");
    expect(await refusal(listAllowlist(at(who, address), { id: other.proxyUserId }))).toMatch("NOT_FOUND");
    const { id } = await list(other, address);
    expect(await refusal(deleteAllowlistEntry(at(who, address), { id }))).toMatch("NOT_FOUND");
    expect((await listAllowlist(at(other, address), { id: other.proxyUserId })).entries).toHaveLength(1);
  });
});

const entryOf = ({ proxyUserId }: Customer, address: string) => ({ proxyUserId, address, defaultParameters: "" });

describe("blocks of two clients never overlap", () => {
  test("whichever comes first, and only staff learn whose the other is", async () => {
    const [first, second] = [await customer(), await customer()];
    const net = place();
    await grant(first.proxyUserId, `${net}.0/24`);
    const told = await refusal(list(second, `${net}.7`));
    expect(told).toMatch(/^ADDRESS_TAKEN: .* Another account lists it, or a block around it\. Use a password, or write to support\.$/);
    expect(told).not.toContain(first.email);
    const [inside, around] = [place(), place()];
    await list(first, `${inside}.7`);
    expect(await refusal(grant(second.proxyUserId, `${inside}.0/25`))).toBe(
      `ADDRESS_TAKEN: ${inside}.0/25 is taken: ${first.email} lists ${inside}.7 for proxy user ${first.username}. Remove that first, or give a narrower block.`,
    );
    await grant(second.proxyUserId, `${around}.0/25`);
    await grant(first.proxyUserId, `${around}.128/25`);
    expect(await refusal(grant(first.proxyUserId, `${around}.0/24`))).toMatch("ADDRESS_TAKEN");
  });

  test("when they are listed at the same moment: one of eight has it", async () => {
    const address = `${place()}.1`;
    const customers = await Promise.all(Array.from({ length: 8 }, customer));
    const answers = await Promise.all(customers.map((who) => refusal(list(who, address))));
    expect(answers.filter((answer) => answer === "nothing refused it")).toHaveLength(1);
    expect(answers.filter((answer) => answer.startsWith("ADDRESS_TAKEN"))).toHaveLength(7);
  });

  test("and are free again once removed", async () => {
    const [first, second] = [await customer(), await customer()];
    const address = `${place()}.1`;
    const { id } = await list(first, address);
    await deleteAllowlistEntry(at(first, address), { id });
    await list(second, address);
  });

  test("while one client may list an address inside its own block, but no block twice", async () => {
    const who = await customer();
    const net = place();
    await grant(who.proxyUserId, `${net}.0/24`);
    await list(who, `${net}.7`);
    const sibling = { ...who, ...(await panel.fixtures.makeProxyUser(who.clientId)) };
    expect(await refusal(list(sibling, `${net}.7`))).toBe(
      `STATE_CONFLICT: ${net}.7 is listed already, for proxy user ${who.username}. Remove it there first.`,
    );
  });
});

describe("an address that is not public", () => {
  test.each([
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "100.64.0.1",
    "169.254.1.1",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
  ])("%s is refused to the client who sits there, and to staff", async (address) => {
    const who = await customer();
    expect(await refusal(list(who, address))).toMatch(`INPUT_INVALID: ${address} is private or reserved`);
    expect(await refusal(grant(who.proxyUserId, address))).toMatch("INPUT_INVALID");
  });

  test.each([
    "::1",
    "fe80::1",
    "fd00::1",
    "2001:db8::1",
    "64:ff9b::909:909",
    "::ffff:9.9.9.9",
    "2002:909:909::1",
    "fd00:1::/48",
    "10.0.0.0/24",
  ])("%s is refused to staff", async (block) => {
    const who = await customer();
    expect(await refusal(grant(who.proxyUserId, block))).toMatch("INPUT_INVALID");
  });

  test("is told to the panel, and listed where the settings let it through", async () => {
    const who = await customer();
    const ctx = at(who, "127.0.0.1");
    expect((await listAllowlist(ctx, { id: who.proxyUserId })).here).toEqual({ address: "127.0.0.1", isPublic: false });
    const loopback = parsePrefix("127.0.0.0/8");
    const demo = { ...ctx, sourceAllow: { prefixes: loopback === null ? [] : [loopback], endpoints: [] } };
    await createAllowlistEntry(demo, entryOf(who, "127.0.0.1"));
    expect((await listAllowlist(demo, { id: who.proxyUserId })).here).toEqual({ address: "127.0.0.1", isPublic: true });
  });
});

describe("default parameters", () => {
  test("are stored as they follow the user in a username", async () => {
    const who = await customer();
    const net = place();
    await list(who, `${net}.1`, `${net}.1`, "country-de-session-shop1");
    await list(who, `${net}.2`, `${net}.2`, "-country-us-city-new_york");
    const { entries } = await listAllowlist(at(who, `${net}.1`), { id: who.proxyUserId });
    expect(entries.map((entry) => entry.defaultParameters).toSorted()).toEqual(["-country-de-session-shop1", "-country-us-city-new_york"]);
  });

  test.each([
    ["kountry-de", "kountry"],
    ["country-xx", "xx"],
    ["country-de-country-us", "country"],
    ["city-berlin", "city"],
    ["country", "country"],
    ["-", ""],
    [`session-${"a".repeat(200)}`, "session"],
  ])("%s are refused by the parser of usernames, which names the part", async (text, part) => {
    const who = await customer();
    const address = `${place()}.1`;
    const told = await refusal(list(who, address, address, text));
    expect(told).toMatch(/^INPUT_INVALID: Default parameters: .*\. Write them as in a username, for example country-de-session-shop1\.$/);
    expect(told).toContain(part);
  });
});

test("a proxy user has at most 32, also when the last two are listed at the same moment", async () => {
  const who = await customer();
  const net = place();
  for (let last = 1; last < allowlistEntriesMax; last += 1) await list(who, `${net}.${last}`);
  const answers = await Promise.all([refusal(list(who, `${net}.101`)), refusal(list(who, `${net}.102`))]);
  expect(answers.toSorted()).toEqual([
    `LIMIT_EXCEEDED: A proxy user has at most ${allowlistEntriesMax} addresses without a password. Remove one first.`,
    "nothing refused it",
  ]);
});

describe("staff", () => {
  test("give a block and take it away, with the reason in the audit log, and tell the gateways", async () => {
    const who = await customer();
    const admin = panel.ctx(await panel.admin());
    const net = place();
    const epoch = async () => (await panel.database.controlEpoch.findUniqueOrThrow({ where: { id: 1 } })).epoch;
    const before = await epoch();
    const { id } = await grant(who.proxyUserId, `${net}.0/24`, "country-de");
    await list(who, `${net}.7`);
    const listed = await listClientAllowlist(admin, { userId: who.userId });
    expect(listed.proxyUsers).toEqual([{ id: who.proxyUserId, username: who.username }]);
    expect(listed.entries.map((entry) => [entry.block, entry.defaultParameters])).toEqual([
      [`${net}.0/24`, "-country-de"],
      [`${net}.7`, ""],
    ]);
    await revokeAllowlistEntry(admin, { id, reason: "they moved" });
    expect(await epoch()).toBe(before + 3n);
    const { items } = await listAudit(admin, {});
    const mine = items.filter((row) => row.subjectId === who.proxyUserId).map(({ action, reason, detail }) => ({ action, reason, detail }));
    const { username } = who;
    expect(mine).toEqual([
      { action: "allowlist.revoke", reason: "they moved", detail: { block: `${net}.0/24` } },
      { action: "allowlist.create", reason: null, detail: { block: `${net}.7`, username, defaultParameters: "" } },
      { action: "allowlist.grant", reason: "their office", detail: { block: `${net}.0/24`, username, defaultParameters: "-country-de" } },
    ]);
  });
});
