import { expect, test } from "vitest";
import { Quota } from "../quota/quota.ts";
import { accountFacts } from "../test/account-facts.ts";
import { createAccounts } from "./accounts.ts";

test("among more than 50,000 users nobody is forgotten whose granted bytes are in hand", () => {
  const accounts = createAccounts(() => 0);
  const [holder, idle] = ["holder", "idle"].map((proxyUserId) => accounts.update({ ...accountFacts, proxyUserId }));
  if (holder === undefined || idle === undefined) throw new Error("the users are not there");
  const quota = new Quota(holder, { ask: () => undefined }, 0);
  quota.taken({ grantedBytes: 1_000, usedBytes: 0, shortOf: null, opens: null, isFinal: false }, 0);
  holder.quota = quota;
  for (let other = 0; other < 50_000; other += 1) accounts.update({ ...accountFacts, proxyUserId: `pxu_${other}` });
  accounts.sweep();
  expect({ holder: accounts.users.has("holder"), idle: accounts.users.has("idle"), users: accounts.users.size }).toEqual({
    holder: true,
    idle: false,
    users: 50_000,
  });
});
