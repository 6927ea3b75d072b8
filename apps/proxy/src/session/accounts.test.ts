import { expect, test } from "vitest";
import { UserQuota } from "../quota/user-quota.ts";
import { accountFacts } from "../test/account-facts.ts";
import { createAccounts } from "./accounts.ts";

test("among more than 50,000 users nobody is forgotten whose granted bytes are in hand", () => {
  const accounts = createAccounts(() => 0);
  const [holder, idle] = ["holder", "idle"].map((proxyUserId) => accounts.update({ ...accountFacts, proxyUserId }));
  if (holder === undefined || idle === undefined) throw new Error("the users are not there");
  holder.quota = new UserQuota(holder, { ask: () => undefined }, 0);
  holder.quota.taken({ grantedBytes: 1_000, usedBytes: 0, shortOf: null, isFinal: false });
  for (let other = 0; other < 50_000; other += 1) accounts.update({ ...accountFacts, proxyUserId: `pxu_${other}` });
  accounts.sweep();
  expect({ holder: accounts.users.has("holder"), idle: accounts.users.has("idle"), users: accounts.users.size }).toEqual({
    holder: true,
    idle: false,
    users: 50_000,
  });
});
