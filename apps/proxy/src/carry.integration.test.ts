import { until } from "@karvon/testkit";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tenMegabytes } from "./test/origin.ts";
import { openRig, type Login, type Rig, serviceToken } from "./test/rig.ts";
import { runCurl } from "./test/run-curl.ts";

let rig: Rig;
let login: Login;
let origin = "";

beforeAll(async () => {
  rig = await openRig();
  login = await rig.makeLogin();
  origin = `http://127.0.0.1:${rig.origin.port}`;
  await rig.addNode();
  await rig.addNode({ place: { country: "KZ", region: "Almaty", city: "Almaty", asn: 9198, asnName: "Kazakhtelecom" } });
});
afterAll(() => rig.close());

const via = (scheme: string, username = login.username, password = login.password): string[] => [
  "-x",
  `${scheme}://${username}:${password}@127.0.0.1:${rig.proxy.proxyPort}`,
];
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

interface SessionRow {
  readonly protocol: string;
  readonly up_bytes: bigint;
  readonly down_bytes: bigint;
  readonly due_micro_usd: bigint;
  readonly close_reason: string | null;
  readonly exit_country: string | null;
  readonly sticky_session: string | null;
}

/** The sessions of a proxy user once all are closed and stored. */
function closedSessions(proxyUserId: string, count: number): Promise<SessionRow[]> {
  return until(
    async () => {
      const { rows } = await rig.fixtures.pool.query<SessionRow>(
        "SELECT * FROM proxy_session WHERE proxy_user_id = $1 AND closed_at IS NOT NULL ORDER BY opened_at",
        [proxyUserId],
      );
      return rows.length === count ? rows : null;
    },
    { what: `${count} closed sessions` },
  );
}

describe("carrying", () => {
  test.each([
    ["http", []],
    ["http", ["-p"]],
    ["socks5h", []],
    ["socks5", []],
  ] as const)("10 MB down and 2 MB up arrive whole over %s %j", async (scheme, flags) => {
    const upload = Buffer.alloc(2_000_000, "up");
    const down = await runCurl([...via(scheme), ...flags, `${origin}/10mb`]);
    expect(down.stderr).toBe("");
    expect(sha256(down.body)).toBe(sha256(tenMegabytes));
    const up = await runCurl(
      [...via(scheme), ...flags, "--data-binary", "@-", "-H", "content-type: application/octet-stream", `${origin}/echo`],
      upload,
    );
    expect(JSON.parse(up.body.toString())).toMatchObject({ bodyBytes: upload.length, bodySha256: sha256(upload) });
  });

  test("names the exit in the answer and gives the country that was asked for", async () => {
    const { body, status } = await runCurl([...via("http", `${login.username}-country-kz`), "-D", "-", "-o", "/dev/null", `${origin}/`]);
    expect(status).toBe(200);
    const head = body.toString().toLowerCase();
    expect(head).toContain("x-px-country: kz");
    expect(head).toContain("x-px-city: almaty");
    expect(head).toContain("x-px-asn: 9198");
    expect(head).toContain("x-px-exit-ip: 203.0.113.2");
    expect(head).toMatch(/x-px-request-id: ses_[0-9a-z]{26}/);
  });

  test("routes each request of a kept connection on its own and keeps the connection", async () => {
    const before = rig.origin.requests.length;
    const urls = Array.from({ length: 5 }, (_, i) => `${origin}/kept${i}`);
    const { exitCode, stderr } = await runCurl(["-v", ...via("http"), ...urls]);
    expect(exitCode).toBe(0);
    expect(stderr.match(/Re-using existing connection/g)).toHaveLength(4);
    expect(rig.origin.requests.slice(before).map((request) => request.url)).toEqual(urls.map((url) => new URL(url).pathname));
  });

  test("tells the target nothing about the proxy", async () => {
    await runCurl([
      ...via("http"),
      "-H",
      "Proxy-Foo: 1",
      "-H",
      "Connection: x-secret",
      "-H",
      "x-secret: 1",
      "-H",
      "Host: other.example",
      `${origin}/quiet`,
    ]);
    const request = rig.origin.requests.find(({ url }) => url === "/quiet");
    expect(request?.headers["host"]).toBe(`127.0.0.1:${rig.origin.port}`);
    for (const name of ["proxy-authorization", "proxy-connection", "via", "x-forwarded-for", "forwarded", "x-secret"])
      expect(request?.headers).not.toHaveProperty(name);
  });

  test.each([
    ["HEAD", ["-I", "/10mb"], 200],
    ["204", ["/nothing"], 204],
    ["chunked answers", ["/chunked"], 200],
    ["chunked uploads", ["-H", "transfer-encoding: chunked", "-d", "hello", "/echo"], 200],
    ["Expect: 100-continue", ["-H", "expect: 100-continue", "-d", "hello", "/echo"], 200],
    ["HTTP/1.0", ["-0", "/echo"], 200],
  ] as const)("serves %s", async (_name, args, status) => {
    const flags = args.slice(0, -1);
    const result = await runCurl([...via("http"), ...flags, `${origin}${args.at(-1)}`]);
    expect(result).toMatchObject({ exitCode: 0, status });
  });

  test("a named session keeps its exit, and its row says so", async () => {
    const user = await rig.makeLogin();
    const exits = new Set<string>();
    for (let i = 0; i < 6; i += 1) {
      const { body } = await runCurl([
        ...via("http", `${user.username}-session-cart1`, user.password),
        "-D",
        "-",
        "-o",
        "/dev/null",
        `${origin}/`,
      ]);
      exits.add(/x-px-exit-ip: (\S+)/.exec(body.toString())?.[1] ?? "none");
    }
    expect(exits.size).toBe(1);
    const rows = await closedSessions(user.proxyUserId, 6);
    expect(rows.map((row) => row.sticky_session)).toEqual(Array(6).fill("cart1"));
  });
});

describe("counting", () => {
  test("the session row, the balance and the origin agree to the byte", async () => {
    const user = await rig.makeLogin({ bytes: 100_000_000n });
    const before = { received: rig.origin.received, sent: rig.origin.sent };
    const { sizes } = await runCurl([...via("http", user.username, user.password), "-p", "-H", "Connection: close", `${origin}/10mb`]);
    const [row] = await closedSessions(user.proxyUserId, 1);
    const up = rig.origin.received - before.received;
    const down = rig.origin.sent - before.sent;
    expect(row).toMatchObject({ protocol: "connect", up_bytes: BigInt(up), down_bytes: BigInt(down) });
    expect(down).toBeGreaterThanOrEqual(sizes.download);
    const { rows } = await rig.fixtures.pool.query<{ posted: bigint }>(
      "SELECT posted FROM ledger_account WHERE owner_id = $1 AND asset = 'BYTE'",
      [user.clientId],
    );
    expect(rows[0]?.posted).toBe(100_000_000n - BigInt(up + down));
    expect(row?.due_micro_usd).toBe((BigInt(up + down) * 3_000n) / 1_000_000n);
  });

  test("metrics and the radar show what moved", async () => {
    const radar = await rig.ops("/radar", serviceToken);
    const reader = radar.body?.getReader();
    await runCurl([...via("http"), "-p", `${origin}/10mb`]);
    let text = "";
    await until(async () => {
      const chunk = await reader?.read();
      text += Buffer.from(chunk?.value ?? new Uint8Array()).toString();
      const ticks = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? "{}"));
      return ticks.reduce((sum, tick) => sum + Number(tick.downBytes), 0) >= tenMegabytes.length;
    });
    await reader?.cancel();
    const metrics = await rig.metrics();
    expect(metrics).toMatch(/^karvon_tunnels 2$/m);
    expect(Number(/^karvon_bytes_total\{direction="down"\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(tenMegabytes.length);
    expect((await rig.ops("/radar")).status).toBe(401);
    expect(await (await rig.ops("/availability", serviceToken)).json()).toMatchObject({
      total: 2,
      countries: [
        { country: "KZ", nodes: 1 },
        { country: "UZ", nodes: 1 },
      ],
    });
    const counts = { nodes: 1, byType: { mobile: 0, wifi: 0, residential: 1 } };
    expect(await (await rig.ops("/availability/UZ", serviceToken)).json()).toEqual({
      country: "UZ",
      ...counts,
      states: [{ name: "Tashkent", ask: "state-tashkent", ...counts }],
      cities: [{ name: "Tashkent", ask: "city-tashkent", ...counts }],
      networks: [{ name: "Uzbektelekom", ask: "asn-8193", ...counts }],
    });
    expect(await (await rig.ops("/availability/FR", serviceToken)).json()).toMatchObject({ nodes: 0, cities: [] });
    expect((await rig.ops("/availability/UZ")).status).toBe(401);
    expect((await rig.ops("/availability/uz", serviceToken)).status).toBe(404);
    expect((await rig.ops("/readyz")).status).toBe(200);
  });
});
