import type { IncomingMessage } from "node:http";
import type { RadarTick } from "@karvon/services";
import { describe, expect, test } from "vitest";
import { createAddressReader } from "./client-address.ts";
import { browserCookie, readCookie, signInCookieFor } from "./cookies.ts";
import { createEventReader } from "./event-stream.ts";
import { addUp, createRadarHub } from "./radar-feed.ts";
import { allowedOrigins } from "./request-guard.ts";
import { contentPolicy, makeNonce } from "./security-headers.ts";

const tick = (gatewayId: string, upBytes: number, id = "cli_a"): RadarTick => ({
  atMs: 1,
  gatewayId,
  sessionsOpen: 1,
  tunnels: 2,
  upBytes,
  downBytes: 0,
  unflushedBytes: 3,
  flushLagMs: upBytes,
  refusals: { no_exit: 1 },
  clients: [{ id, upBytes, downBytes: 0, sessionsOpen: 1 }],
  operators: [],
  nodes: [],
});

describe("the radar hub", () => {
  async function take(hub: ReturnType<typeof createRadarHub>, count: number, act: () => void): Promise<RadarTick[]> {
    const stop = new AbortController();
    const ticks: RadarTick[] = [];
    const reading = (async () => {
      for await (const one of hub.follow(stop.signal)) {
        ticks.push(one);
        if (ticks.length === count) return;
      }
    })();
    await new Promise((resume) => setImmediate(resume));
    act();
    await reading;
    return ticks;
  }

  test("passes a single gateway's ticks on unchanged and at once", async () => {
    const hub = createRadarHub();
    hub.connected("a");
    const sent = [tick("a", 1), tick("a", 2)];
    expect(await take(hub, 2, () => sent.forEach((one) => hub.accept("a", one)))).toEqual(sent);
  });

  test("adds several gateways up when each has spoken", async () => {
    const hub = createRadarHub();
    for (const id of ["a", "b"]) hub.connected(id);
    const [sum] = await take(hub, 1, () => {
      hub.accept("a", tick("a", 1));
      hub.accept("b", tick("b", 10, "cli_b"));
    });
    expect(sum).toMatchObject({ gatewayId: "network", upBytes: 11, sessionsOpen: 2, flushLagMs: 10, refusals: { no_exit: 2 } });
    expect(sum?.clients.map((client) => client.id).toSorted()).toEqual(["cli_a", "cli_b"]);
  });

  test("loses no bytes when one gateway speaks twice before another speaks once", async () => {
    const hub = createRadarHub();
    for (const id of ["a", "b"]) hub.connected(id);
    const [sum] = await take(hub, 1, () => {
      hub.accept("a", tick("a", 1));
      hub.accept("a", tick("a", 4));
      hub.accept("b", tick("b", 10));
    });
    expect(sum).toMatchObject({ upBytes: 15, sessionsOpen: 2 });
    expect(sum?.clients).toEqual([{ id: "cli_a", upBytes: 15, downBytes: 0, sessionsOpen: 2 }]);
  });

  test("does not wait for a gateway that is gone", async () => {
    const hub = createRadarHub();
    for (const id of ["a", "b"]) hub.connected(id);
    const [sum] = await take(hub, 1, () => {
      hub.accept("a", tick("a", 7));
      hub.disconnected("b");
    });
    expect(sum?.upBytes).toBe(7);
  });

  test("keeps the four newest ticks for a reader that sleeps, and ends with it", async () => {
    const hub = createRadarHub();
    hub.connected("a");
    const stop = new AbortController();
    const reader = hub.follow(stop.signal)[Symbol.asyncIterator]();
    const first = reader.next();
    for (let i = 1; i <= 9; i += 1) hub.accept("a", tick("a", i));
    expect((await first).value?.upBytes).toBe(6);
    stop.abort();
    expect((await reader.next()).done).toBe(true);
  });

  test("says nothing where there is nothing", () => {
    expect(addUp([])).toBeNull();
  });
});

describe("server-sent events", () => {
  test("are read whole, however the bytes are cut", () => {
    const text = 'event: tick\ndata: {"a":1}\n\n: ping\n\nevent: tick\r\ndata: line one\r\ndata: line two\r\n\r\n';
    for (let size = 1; size <= text.length; size += 1) {
      const reader = createEventReader();
      const events = [];
      for (let at = 0; at < text.length; at += size) events.push(...reader.push(text.slice(at, at + size)));
      expect(events, `cut every ${size}`).toEqual([
        { event: "tick", data: '{"a":1}' },
        { event: "tick", data: "line one\nline two" },
      ]);
    }
  });

  test("without an end are cut off instead of filling the memory", () => {
    const reader = createEventReader();
    const chunk = "x".repeat(1_000_000);
    expect(() => {
      for (let i = 0; i < 6; i += 1) reader.push(chunk);
    }).toThrow(RangeError);
  });
});

describe("the caller's address", () => {
  const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
    ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded } }) as unknown as IncomingMessage;

  test("is the socket's, whatever a header says, while nothing stands in front", () => {
    const read = createAddressReader({ panelUrl: "http://127.0.0.1:3000", trustedProxies: ["127.0.0.1/32"] });
    expect(read(from("127.0.0.1", "203.0.113.1"))).toBe("127.0.0.1");
    expect(read(from("::ffff:192.0.2.1"))).toBe("192.0.2.1");
  });

  test("behind HTTPS is what a trusted proxy wrote last", () => {
    const read = createAddressReader({ panelUrl: "https://karvon.example", trustedProxies: ["10.0.0.0/8"] });
    expect(read(from("10.1.2.3", "198.51.100.9, 203.0.113.1"))).toBe("203.0.113.1");
    expect(read(from("::1", "2001:db8::1"))).toBe("2001:db8::1");
    expect(read(from("192.0.2.1", "203.0.113.1"))).toBe("192.0.2.1");
    expect(read(from("10.1.2.3", "nonsense"))).toBe("10.1.2.3");
  });
});

describe("cookies", () => {
  test("are found by their exact name", () => {
    expect(readCookie("a=1; karvon-session=abc; xkarvon-session=no", "karvon-session")).toBe("abc");
    expect(readCookie("xkarvon-session=no", "karvon-session")).toBeUndefined();
    expect(readCookie(null, "karvon-session")).toBeUndefined();
  });

  test("are bound to this very host behind HTTPS", () => {
    expect(signInCookieFor("https://karvon.example")).toEqual({ name: "__Host-karvon-session", isSecure: true });
    expect(browserCookie("s", true)).toBe("__Host-karvon-browser=s; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=86400");
    expect(browserCookie("s", false)).not.toContain("Secure");
  });
});

test("the panels' own origins are one, or this machine's names", () => {
  expect([...allowedOrigins("https://karvon.example")]).toEqual(["https://karvon.example"]);
  expect([...allowedOrigins("http://localhost:3000")]).toEqual(["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"]);
});

test("the content policy lets no inline script through", () => {
  const policy = contentPolicy(makeNonce(), true);
  expect(policy).toMatch(/script-src 'nonce-[A-Za-z0-9+/]{24}' 'strict-dynamic'/);
  expect(policy.split(";").find((part) => part.includes("script-src"))).not.toContain("unsafe");
  expect(makeNonce()).not.toBe(makeNonce());
});
