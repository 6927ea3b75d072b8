import { newId } from "@karvon/domain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openUsageWorld, type UsageWorld } from "../testing/usage-world.ts";

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
afterAll(() => world.close());

async function addAllowlistEntry(clientId: string, proxyUserId: string, cidr: string, defaultParameters = ""): Promise<void> {
  await world.fixtures.pool.query(
    "INSERT INTO allowlist_entry (id, client_id, proxy_user_id, cidr, default_parameters) VALUES ($1, $2, $3, $4, $5)",
    [newId("alw"), clientId, proxyUserId, cidr, defaultParameters],
  );
}

describe("an allowlisted network", () => {
  test("leads to a proxy user, the narrowest of several", async () => {
    const wide = await world.fixtures.makeProxyUser(world.clientId);
    const narrow = await world.fixtures.makeProxyUser(world.clientId);
    await addAllowlistEntry(world.clientId, wide.proxyUserId, "198.51.100.0/24");
    await addAllowlistEntry(world.clientId, narrow.proxyUserId, "198.51.100.7/32", "-country-de");
    expect(await world.db.findAllowlistedUser("198.51.100.7")).toEqual({ username: narrow.username, defaultParameters: "-country-de" });
    expect(await world.db.findAllowlistedUser("198.51.100.8")).toEqual({ username: wide.username, defaultParameters: "" });
    expect(await world.db.findAllowlistedUser("203.0.113.1")).toBeNull();
    expect(await world.db.findAllowlistedUser("2001:db8::1")).toBeNull();
  });

  test.each([
    ["198.51.101.0/24", "198.51.101.7"],
    ["198.51.102.7", "198.51.102.0/24"],
    ["198.51.103.7", "198.51.103.7/32"],
    ["2001:db8:1::/48", "2001:db8:1:2::3"],
  ])("of another client never has %s when %s is listed", async (first, second) => {
    const other = await world.fixtures.makeClient();
    const [mine, theirs] = [await world.fixtures.makeProxyUser(world.clientId), await world.fixtures.makeProxyUser(other.clientId)];
    await addAllowlistEntry(other.clientId, theirs.proxyUserId, first);
    await expect(addAllowlistEntry(world.clientId, mine.proxyUserId, second)).rejects.toThrow(/allowlist_entry_(one_client|cidr_key)/);
  });

  test("is listed under its own client and with a whole block only", async () => {
    const other = await world.fixtures.makeClient();
    const mine = await world.fixtures.makeProxyUser(world.clientId);
    await expect(addAllowlistEntry(other.clientId, mine.proxyUserId, "198.51.104.7")).rejects.toThrow("foreign key");
    await expect(addAllowlistEntry(world.clientId, mine.proxyUserId, "198.51.104.7/24")).rejects.toThrow("allowlist_entry_cidr_check");
  });
});
