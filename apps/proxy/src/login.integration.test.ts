import { until } from "@karvon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basic, exchange, type HttpAnswer, readAnswer, socksConnect } from "./test/raw-client.ts";
import { type Login, openRig, type Rig } from "./test/rig.ts";

let rig: Rig;
let login: Login;

beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  await rig.addNode();
});
afterAll(() => rig.close());

async function get(username: string, password: string, path = "/"): Promise<HttpAnswer> {
  const authority = `127.0.0.1:${rig.origin.port}`;
  const head = `GET http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${basic(username, password)}\r\n`;
  return readAnswer(await exchange(rig.proxy.proxyPort, head));
}

function refusalRow(requestId: string | undefined): Promise<Record<string, unknown>> {
  return until(async () => {
    const { rows } = await rig.fixtures.pool.query("SELECT * FROM proxy_refusal WHERE id = $1", [requestId]);
    return rows[0] ?? null;
  });
}

describe("a login in another vendor's form", () => {
  const forms: readonly (readonly [string, () => readonly [username: string, password: string]])[] = [
    ["brightdata", () => [`brd-customer-${login.clientId}-zone-${login.username}-country-uz-session-v1`, login.password]],
    ["luminati", () => [`lum-customer-${login.clientId}-zone-${login.username}-country-uz-session-v1`, login.password]],
    ["oxylabs", () => [`customer-${login.username}-cc-UZ-sessid-v1-sesstime-5`, login.password]],
    ["decodo", () => [`user-${login.username}-country-uz-session-v1-sessionduration-5`, login.password]],
    ["soax", () => [`package-${login.username}-country-uz-sessionid-v1-sessionlength-300`, login.password]],
    ["iproyal", () => [login.username, `${login.password}_country-uz_session-v1_lifetime-5m`]],
    ["dataimpulse", () => [`${login.username}__cr.uz;sessid.v1;sessttl.5`, login.password]],
  ];

  test.each(forms)("%s opens the same session over HTTP and SOCKS5", async (_vendor, write) => {
    const [username, password] = write();
    const { status, headers } = await get(username, password);
    expect({ status, country: headers["x-px-country"], session: headers["x-px-session"] }).toEqual({
      status: 200,
      country: "UZ",
      session: "v1",
    });
    expect(await socksConnect(rig.proxy.proxyPort, { username, password }, { host: "127.0.0.1", port: rig.origin.port })).toBe("00");
  });

  test.each(forms)("%s is refused for a wrong secret and for a country without nodes", async (_vendor, write) => {
    const [username, password] = write();
    const wrong = await get(username, password.replace(login.password, "pxkWRONGWRONGWRONGWRONGWRON"));
    expect(wrong.headers["x-error-code"]).toMatch(/^(auth_failed|rate_limited)$/);
    const [elsewhere, secret] = [username, password].map((text) => text.replace(/([-_.])(uz|UZ)/, "$1is"));
    expect((await get(elsewhere ?? "", secret ?? "")).headers["x-error-code"]).toBe("no_exit");
  });

  test("brightdata with the account of somebody else names the right one to whoever has the secret", async () => {
    const answer = await get(`brd-customer-cli_other-zone-${login.username}`, login.password);
    expect({ status: answer.status, code: answer.headers["x-error-code"] }).toEqual({ status: 400, code: "bad_username" });
    expect(answer.body).toContain(login.clientId);
  });
});

describe("a refusal", () => {
  const owner = (): object => ({ client_id: login.clientId, proxy_user_id: login.proxyUserId });
  const nobody = { client_id: null, proxy_user_id: null };

  test("for a wrong parameter is the client's to see when the secret is right, in every form", async () => {
    const logins = [
      [`${login.username}-kountry-uz`, login.password],
      [`user-${login.username}-kountry-uz`, login.password],
      [login.username, `${login.password}_kountry-uz`],
    ] as const;
    const ids: (string | undefined)[] = [];
    for (const [username, password] of logins) {
      const { headers, body } = await get(username, password);
      expect(headers["x-error-code"]).toBe("bad_username");
      expect(body).toContain("kountry");
      ids.push(headers["x-px-request-id"]);
    }
    const asked = { username: `${login.username}-type-5g`, password: login.password };
    expect(await socksConnect(rig.proxy.proxyPort, asked, { host: "example.com", port: 80 })).toBe("A");
    for (const id of ids) expect(await refusalRow(id)).toMatchObject({ code: "bad_username", protocol: "http", ...owner() });
    const row = await until(async () => {
      const { rows } = await rig.fixtures.pool.query("SELECT * FROM proxy_refusal WHERE protocol = 'socks5' AND code = 'bad_username'");
      return rows[0] ?? null;
    });
    expect(row).toMatchObject({ detail: expect.stringContaining("5g"), ...owner() });
  });

  test("before the ask is read is the client's to see when the secret is right, and nobody's when it is not", async () => {
    const heads = [
      ["GET / HTTP/1.1\r\nHost: a\r\n", "no_destination"],
      ["GET https://example.com/ HTTP/1.1\r\nHost: a\r\n", "bad_request"],
    ] as const;
    const told: { id: string | undefined; whose: object }[] = [];
    for (const [head, code] of heads) {
      const logins = [basic(login.username, login.password), basic(login.username, "pxkWRONG"), ""];
      for (const [at, credentials] of logins.entries()) {
        const { headers } = readAnswer(await exchange(rig.proxy.proxyPort, `${head}${credentials}\r\n`));
        expect(headers["x-error-code"]).toBe(code);
        told.push({ id: headers["x-px-request-id"], whose: at === 0 ? owner() : nobody });
      }
    }
    for (const { id, whose } of told) expect(await refusalRow(id)).toMatchObject(whose);
  });

  test("tells a part of the password to nobody who lacks the secret", async () => {
    const { headers, body } = await get(login.username, "pxkWRONG_my-private-words");
    expect(headers["x-error-code"]).toMatch(/^(auth_failed|rate_limited)$/);
    expect(body).not.toContain("private");
    expect(JSON.stringify(rig.logLines)).not.toContain("private");
  });
});

test("guesses with a wrong parameter count as guesses", async () => {
  const codes: string[] = [];
  for (let tries = 0; tries < 25; tries += 1) codes.push((await get("guesser2-kountry-uz", "pxkwrong")).headers["x-error-code"] ?? "");
  expect(codes.filter((code) => code === "bad_username").length).toBeLessThanOrEqual(11);
  expect(codes.at(-1)).toBe("rate_limited");
  expect((await get(login.username, login.password)).status).toBe(200);
});
