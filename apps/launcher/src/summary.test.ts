import { expect, test } from "vitest";
import type { ReadyFacts } from "./ready-file.ts";
import { summaryOf } from "./summary.ts";

const facts: ReadyFacts = {
  panelUrl: "http://127.0.0.1:3000",
  proxy: { host: "127.0.0.1", port: 7000 },
  tunnel: { host: "127.0.0.1", port: 7443 },
  opsUrl: "http://127.0.0.1:9464",
  gateways: [{ pid: 2, opsUrl: "http://127.0.0.1:9465" }],
  mailUrl: "http://127.0.0.1:8025/",
  echoUrl: "http://127.0.0.1:8080/",
  logins: {
    client: { email: "demo-client@karvon.local", password: "one" },
    operator: { email: "demo-operator@karvon.local", password: "two" },
    admin: { email: "admin@karvon.local" },
  },
  proxyUser: { username: "demo", password: "pxkSecret" },
  pids: { launcher: 1, web: 2, proxy: 3, postgres: 4, demo: [5] },
};

test("the summary holds curl lines that work as they stand", () => {
  expect(
    summaryOf(facts)
      .split("\n")
      .filter((line) => line.includes("curl")),
  ).toEqual([
    "  curl -x http://demo:pxkSecret@127.0.0.1:7000 http://127.0.0.1:8080/",
    "  curl -x http://demo-country-de:pxkSecret@127.0.0.1:7000 http://127.0.0.1:8080/",
  ]);
});

test("the summary names every way in and the way out", () => {
  const text = summaryOf(facts);
  for (const part of [
    "http://127.0.0.1:3000",
    "demo-client@karvon.local  one",
    "demo-operator@karvon.local  two",
    "admin@karvon.local",
    "http://127.0.0.1:8025/",
    "Ctrl-C",
  ]) {
    expect(text).toContain(part);
  }
});

test("the summary without the demo names no login that does not exist", () => {
  const text = summaryOf({
    ...facts,
    echoUrl: null,
    proxyUser: null,
    mailUrl: null,
    logins: { client: null, operator: null, admin: { email: "admin@karvon.local" } },
  });
  expect(text).not.toContain("curl");
  expect(text).not.toContain("null");
  expect(text).toContain("sent through SMTP_URL");
});
