import { hashProxyPassword, makeProxyPassword } from "@karvon/security";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openWeb, playGateway, type PlayedGateway, testPepper, type TestWeb } from "../test/open-web.ts";

let web: TestWeb;
let gateways: PlayedGateway[];
let program: { clientId: string; username: string; password: string };

beforeAll(async () => {
  web = await openWeb();
  gateways = [await playGateway(), await playGateway()];
  for (const [i, { opsUrl }] of gateways.entries()) {
    await web.fixtures.pool.query("insert into gateway (id, epoch, ops_url, started_at) values ($1, 1, $2, now())", [`gwy_${i}`, opsUrl]);
  }
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await web.close();
});
beforeEach(async () => {
  const { clientId } = await web.fixtures.makeClient();
  const password = makeProxyPassword();
  const user = await web.fixtures.makeProxyUser(clientId, { secretHash: hashProxyPassword(testPepper, password) });
  program = { clientId, username: user.username, password };
});

function ask(
  path = "/v1/availability",
  login: { username: string; password: string } | null = program,
  init: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const basic = login === null ? {} : { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}` };
  return fetch(`${web.url}${path}`, { ...init, headers: { ...basic, ...init.headers } });
}

async function refusal(answer: Promise<Response>): Promise<unknown> {
  const response = await answer;
  const body: unknown = await response.json();
  return [response.status, Reflect.get(Object(body), "code")];
}

describe("GET /v1/availability", () => {
  test("adds up what all gateways offer, by country and type", async () => {
    const answer = await ask();
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([
      200,
      "application/json",
      "no-store",
    ]);
    expect(await answer.json()).toEqual({
      asOf: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      total: 6,
      countries: [{ country: "UZ", nodes: 6, byType: { mobile: 2, wifi: 4, residential: 0 } }],
    });
  });

  test("of one country tells its places and networks, as a username asks for them", async () => {
    const counts = { nodes: 6, byType: { mobile: 2, wifi: 4, residential: 0 } };
    expect(await (await ask("/v1/availability?country=uz")).json()).toMatchObject({
      country: "UZ",
      ...counts,
      states: [],
      cities: [{ name: "Tashkent", ask: "city-tashkent", ...counts }],
      networks: [{ name: "Uzbektelekom", ask: "asn-8193", ...counts }],
    });
  });

  test("says by HEAD how long the answer would be, and nothing else", async () => {
    const answer = await ask("/v1/availability", program, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(Number(answer.headers.get("content-length"))).toBeGreaterThan(50);
  });

  test.each([
    ["/v1/availability?country=zz", 400, "bad_request"],
    ["/v1/availability?country=uz&country=kz", 400, "bad_request"],
    ["/v1/availability?town=tashkent", 400, "bad_request"],
    ["/v1/elsewhere", 404, "not_found"],
  ])("%s is %d %s", async (path, status, code) => {
    expect(await refusal(ask(path))).toEqual([status, code]);
  });

  test("is for reading only", async () => {
    expect((await ask("/v1/availability", program, { method: "POST", body: "{}" })).status).toBe(405);
  });
});

describe("a program", () => {
  test("without credentials is asked for them, and a browser's sign-in is none", async () => {
    const client = await web.fixtures.makeClient();
    const { cookie } = await web.signIn(client.userId);
    const answer = await ask("/v1/availability", null, { headers: { cookie } });
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="Karvon", charset="UTF-8"']);
  });

  test.each(["Bearer x", "Basic", "Basic ???", `Basic ${Buffer.from("no colon").toString("base64")}`, `Basic ${"a".repeat(2_000)}`])(
    "with the header %j is asked for credentials",
    async (authorization) => {
      expect(await refusal(ask("/v1/availability", null, { headers: { authorization } }))).toEqual([401, "auth_missing"]);
    },
  );

  test("with a wrong password is refused, after ten of them before anything is checked, and nobody else with it", async () => {
    const wrong = { ...program, password: makeProxyPassword() };
    for (let i = 0; i < 10; i += 1) expect(await refusal(ask(undefined, wrong))).toEqual([401, "sign_in_failed"]);
    expect(await refusal(ask(undefined, program))).toEqual([429, "tries_exceeded"]);
    expect(await refusal(ask(undefined, { username: "nobodyhere", password: "x" }))).toEqual([401, "sign_in_failed"]);
  });

  test("whose proxy user is disabled or whose account is suspended is told so", async () => {
    await web.fixtures.pool.query("update proxy_user set status = 'disabled', disabled_at = now() where username = $1", [program.username]);
    expect(await refusal(ask())).toEqual([403, "account_suspended"]);
    await web.fixtures.pool.query("update proxy_user set status = 'active', disabled_at = null where username = $1", [program.username]);
    expect((await ask()).status).toBe(200);
    await web.fixtures.pool.query("update client set status = 'suspended' where id = $1", [program.clientId]);
    expect(await refusal(ask())).toEqual([403, "account_suspended"]);
  });

  test("may ask 60 times a minute", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 65; i += 1) statuses.push((await ask()).status);
    // A minute may end meanwhile, and the count begins anew.
    expect(statuses.slice(0, 60).every((status) => status === 200)).toBe(true);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  });
});
