import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openWeb, type TestWeb } from "../test/open-web.ts";

let web: TestWeb;
beforeAll(async () => {
  web = await openWeb();
});
afterAll(() => web.close());

async function aClient() {
  const client = await web.fixtures.makeClient();
  const { proxyUserId } = await web.fixtures.makeProxyUser(client.clientId);
  return { ...client, proxyUserId, cookie: (await web.signIn(client.userId)).cookie };
}

async function anAdmin() {
  const userId = await web.makeAdmin();
  return { userId, cookie: (await web.signIn(userId)).cookie };
}

describe("an address without a password", () => {
  test("is not shown to be the client's by a header that the client wrote itself", async () => {
    const { cookie, proxyUserId } = await aClient();
    const input = { proxyUserId, address: "9.9.9.9", defaultParameters: "" };
    for (const name of ["x-forwarded-for", "x-real-ip", "forwarded", "x-karvon-client-address"]) {
      const headers = { [name]: name === "forwarded" ? "for=9.9.9.9" : "9.9.9.9" };
      const answer = await web.mutate("client.allowlist.create", { cookie, input, headers });
      expect([answer.status, answer.appCode]).toEqual([403, "ADDRESS_UNPROVEN"]);
    }
    const listed = await web.query("client.allowlist.list", { cookie, input: { id: proxyUserId } });
    expect(listed.data).toEqual({ entries: [], here: { address: "127.0.0.1", isPublic: false }, shown: [] });
  });

  test("is one public address of one's own proxy user, and the answer names what is wrong", async () => {
    const [{ cookie, proxyUserId }, other] = [await aClient(), await aClient()];
    const create = (address: string, more: object = {}) =>
      web.mutate("client.allowlist.create", { cookie, input: { proxyUserId, address, defaultParameters: "", ...more } });
    const here = await create("127.0.0.1");
    expect([here.status, here.appCode]).toEqual([400, "INPUT_INVALID"]);
    expect(here.message).toContain("127.0.0.1 is private or reserved");
    for (const address of ["9.9.9.0/24", "9.9.9.9/24", "09.9.9.9", "9.9.9", "localhost", "", "9.9.9.9 9.9.9.8"]) {
      expect((await create(address)).text, address).toContain('"address":[');
    }
    expect((await create("9.9.9.0/24")).text).toContain("9.9.9.0/24 is a block. List one address; for a block, write to support.");
    const foreign = await web.query("client.allowlist.list", { cookie, input: { id: other.proxyUserId } });
    expect([foreign.status, foreign.appCode]).toEqual([404, "NOT_FOUND"]);
  });
});

describe("a block", () => {
  test("is given and taken away by staff, seen by its client alone, and taken for everybody else", async () => {
    const [client, other, admin] = [await aClient(), await aClient(), await anAdmin()];
    const grant = (proxyUserId: string, block: string) =>
      web.mutate("admin.allowlist.grant", {
        cookie: admin.cookie,
        input: { proxyUserId, block, defaultParameters: "country-de", reason: "their office" },
      });
    expect((await grant(client.proxyUserId, "9.9.0.0/23")).text).toContain("9.9.0.0/23 is too wide: at most a /24, or a /48 of IPv6.");
    expect((await grant(client.proxyUserId, "2620:fe::/47")).text).toContain("too wide");
    expect((await grant(client.proxyUserId, "9.9.9.0/24")).status).toBe(200);
    const taken = await grant(other.proxyUserId, "9.9.9.128/25");
    expect([taken.status, taken.appCode]).toEqual([409, "ADDRESS_TAKEN"]);
    expect(taken.message).toContain(client.email);
    const list = (who: { cookie: string; proxyUserId: string }) =>
      web.query("client.allowlist.list", { cookie: who.cookie, input: { id: who.proxyUserId } });
    expect((await list(client)).data).toMatchObject({ entries: [{ block: "9.9.9.0/24", defaultParameters: "-country-de" }] });
    expect((await list(other)).data).toMatchObject({ entries: [] });
    const { data } = await web.query("admin.allowlist.list", { cookie: admin.cookie, input: { userId: client.userId } });
    const { entries } = data as { entries: { id: string }[] };
    const [id] = entries.map((entry) => entry.id);
    expect((await web.mutate("client.allowlist.delete", { cookie: other.cookie, input: { id } })).status).toBe(404);
    const input = { id, reason: "they moved" };
    expect((await web.mutate("admin.allowlist.revoke", { cookie: client.cookie, input })).status).toBe(403);
    expect((await web.mutate("admin.allowlist.revoke", { cookie: admin.cookie, input })).status).toBe(200);
    expect((await list(client)).data).toMatchObject({ entries: [] });
  });
});
