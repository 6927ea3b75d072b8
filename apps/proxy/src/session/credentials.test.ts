import type { ProxyUserFacts } from "@karvon/db/sql";
import { expect, test } from "vitest";
import { accountFacts } from "../test/account-facts.ts";
import { createAccounts } from "./accounts.ts";
import { createCredentials } from "./credentials.ts";

test("a change reaches a user with a session open even when 20,000 others have been looked up since", async () => {
  const rows = new Map<string, ProxyUserFacts>();
  const put = (username: string, change: Partial<ProxyUserFacts> = {}): void =>
    void rows.set(username, { ...accountFacts, proxyUserId: `pxu_${username}`, username, ...change });
  const accounts = createAccounts(() => 0);
  const credentials = createCredentials({
    accounts,
    nowMs: () => 0,
    database: { findProxyUser: async (username) => rows.get(username) ?? null, findAllowlistedUser: async () => null },
  });
  put("early");
  const account = (await credentials.findUser("early"))?.account;
  if (account === undefined) throw new Error("the user is not there");
  account.sessionsOpen = 1;
  for (let other = 0; other < 20_000; other += 1) {
    put(`other${other}`);
    await credentials.findUser(`other${other}`);
  }
  put("early", { isEnabled: false });
  await credentials.reload(({ proxyUserId }) => proxyUserId === "pxu_early");
  expect(account.isEnabled).toBe(false);
});

test("a user whose account was forgotten is looked up again", async () => {
  const accounts = createAccounts(() => 0);
  const database = {
    findProxyUser: async (username: string) => ({ ...accountFacts, proxyUserId: `pxu_${username}`, username }),
    findAllowlistedUser: async () => null,
  };
  const credentials = createCredentials({ accounts, nowMs: () => 0, database });
  await credentials.findUser("early");
  for (let other = 0; other < 50_000; other += 1) accounts.update({ ...accountFacts, proxyUserId: `pxu_${other}` });
  accounts.sweep();
  expect(accounts.users.has("pxu_early")).toBe(false);
  expect(credentials.peek("early")).toBe(null);
  expect((await credentials.findUser("early"))?.account).toBe(accounts.users.get("pxu_early"));
});
