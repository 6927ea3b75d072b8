import { request } from "node:http";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openMailStore, type CaughtMail } from "./mail-store.ts";
import { startMailbox, type Mailbox } from "./start-mailbox.ts";

let dir = "";
let mailbox: Mailbox;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "karvon-mail-"));
  mailbox = await startMailbox(dir, (cause) => {
    throw cause;
  });
});
afterEach(async () => {
  await mailbox.close();
  rmSync(dir, { recursive: true });
});

/** Speaks SMTP by hand, one command after each answer; resolves with the answers' codes. */
function send(body: string): Promise<number[]> {
  const { hostname, port } = new URL(mailbox.smtpUrl);
  const lines = ["EHLO test", "MAIL FROM:<no-reply@karvon.local>", "RCPT TO:<ann@example.org>", "DATA", `${body}\r\n.`, "QUIT"];
  return new Promise((resolve, reject) => {
    const codes: number[] = [];
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("error", reject);
    socket.on("close", () => resolve(codes));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      for (let end = text.indexOf("\r\n"); end !== -1; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (line.charAt(3) === "-") continue;
        codes.push(Number(line.slice(0, 3)));
        const next = lines.shift();
        if (next !== undefined) socket.write(`${next}\r\n`);
      }
    });
  });
}

const letter = (text: string): string =>
  `From: Karvon <no-reply@karvon.local>\r\nTo: ann@example.org\r\nSubject: Your code <b>\r\n\r\n${text}`;

async function mails(): Promise<CaughtMail[]> {
  return JSON.parse(await (await fetch(new URL("api/mails", mailbox.pageUrl))).text());
}

function statusFor(host: string): Promise<number> {
  const { hostname, port } = new URL(mailbox.pageUrl);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: "/api/mails", headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

describe("the local mailbox", () => {
  test("keeps what came over SMTP and tells it as JSON, newest first", async () => {
    expect(await send(letter("Code: 12345678"))).toEqual([220, 250, 250, 250, 354, 250, 221]);
    await send(letter("Code: 87654321"));
    const found = await mails();
    expect(found.map((mail) => mail.text.trim())).toEqual(["Code: 87654321", "Code: 12345678"]);
    expect(found[0]).toMatchObject({ to: "ann@example.org", subject: "Your code <b>" });
  });

  test("shows mails as text, never as markup", async () => {
    await send(letter("<script>alert(1)</script> http://127.0.0.1:3000/confirm?a=1&b=2"));
    const response = await fetch(mailbox.pageUrl);
    const page = await response.text();
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;");
    expect(page).toContain('<a href="http://127.0.0.1:3000/confirm?a=1&amp;b=2">');
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("refuses a mail over 1 MB and serves on", async () => {
    expect((await send(letter("x".repeat(1_100_000)))).slice(5)).not.toContain(250);
    expect(await mails()).toEqual([]);
    await send(letter("small"));
    expect(await mails()).toHaveLength(1);
  });

  test("answers only to its own name, so that a page elsewhere cannot read codes", async () => {
    expect(await statusFor("evil.example.org")).toBe(421);
    expect(await statusFor("localhost")).toBe(200);
  });
});

describe("openMailStore", () => {
  test("keeps the newest 200 over restarts and removes the rest from the disk", () => {
    const store = openMailStore(dir);
    for (let i = 0; i < 205; i += 1) store.add({ id: String(1000 + i), at: "", from: "", to: "", subject: String(i), text: "" });
    const again = openMailStore(dir).list();
    expect(again).toHaveLength(200);
    expect(again[0]?.subject).toBe("204");
    expect(readdirSync(dir)).toHaveLength(200);
  });
});
