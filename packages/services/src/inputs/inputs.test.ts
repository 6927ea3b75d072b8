import { newId } from "@karvon/domain";
import { describe, expect, test } from "vitest";
import {
  BuyTrafficInput,
  CreateProxyUserInput,
  Email,
  MailedCode,
  NewPassword,
  PageInput,
  ProxyUserIdInput,
  RequestPayoutInput,
  SessionsInput,
  SignUpInput,
  SuspendUserInput,
} from "./index.ts";

describe("an e-mail address", () => {
  test.each([
    ["someone@example.org", "someone@example.org"],
    ["  Some.One+tag@Mail.Example.ORG ", "some.one+tag@mail.example.org"],
    ["demo-client@karvon.local", "demo-client@karvon.local"],
    ["a_b@xn--80ak6aa92e.com", "a_b@xn--80ak6aa92e.com"],
  ])("%s is read as %s", (text, expected) => {
    expect(Email.parse(text)).toBe(expected);
  });

  // What libraries have taken for one address and sent to another, or split into two.
  test.each([
    "",
    "a",
    "@example.org",
    "a@",
    "a@b",
    "a@b.c",
    "a@.example.org",
    "a@example..org",
    "a@-example.org",
    "a@example-.org",
    ".a@example.org",
    "a.@example.org",
    "a..b@example.org",
    "a@example.org,b@evil.example",
    "a@example.org;b@evil.example",
    "a@example.org b@evil.example",
    '"x@evil.example x"@corp.example',
    '"a b"@example.org',
    "a(comment)@example.org",
    "a@example.org(comment)",
    "<a@example.org>",
    "A <a@example.org>",
    "a@example.org>",
    "a\r\nBcc: b@evil.example@example.org",
    "a\u0000@example.org",
    "a\\@example.org",
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    "a@example.org%evil.example",
    "a%evil.example@example.org",
    "a!b@example.org",
    "a@b@example.org",
    "a@example.org@evil.example",
    "ä@example.org",
    "a@exämple.org",
    "a@example.ｏｒｇ",
    "group:a@example.org;",
    "<script>@example.org",
    "a'--@example.org",
    "a|b@example.org",
    `${"a".repeat(65)}@example.org`,
    `a@${"b".repeat(64)}.org`,
    `a@${"b.".repeat(130)}org`,
  ])("%j is none", (text) => {
    expect(Email.safeParse(text).success).toBe(false);
  });

  test("of any length is judged at once", () => {
    const startMs = performance.now();
    for (const text of [`${"a.".repeat(50_000)}@x.org`, `a@${"b-".repeat(50_000)}`, "@".repeat(100_000)]) Email.safeParse(text);
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

describe("inputs", () => {
  test("take a code with blanks and nothing that has not eight digits", () => {
    expect(MailedCode.parse(" 1234 5678 ")).toBe("12345678");
    for (const bad of ["1234567", "123456789", "1234567a", "", "١٢٣٤٥٦٧٨"]) expect(MailedCode.safeParse(bad).success, bad).toBe(false);
  });

  test("take passwords of 10 to 128 characters as they are", () => {
    expect(NewPassword.parse("  spaces count  ")).toBe("  spaces count  ");
    for (const bad of ["short", "x".repeat(129)]) expect(NewPassword.safeParse(bad).success).toBe(false);
  });

  test("refuse roles that nobody may give himself", () => {
    const input = { email: "a@example.org", password: "long enough", role: "admin" };
    expect(SignUpInput.safeParse(input).success).toBe(false);
    expect(SignUpInput.safeParse({ ...input, role: "client" }).success).toBe(true);
  });

  test("refuse amounts that are not whole, positive and bounded", () => {
    for (const gigabytes of [0, -1, 1.5, 10_001, Number.NaN, "5", 1e308]) {
      expect(BuyTrafficInput.safeParse({ gigabytes, idempotencyKey: "key-0001" }).success, String(gigabytes)).toBe(false);
    }
    expect(BuyTrafficInput.safeParse({ gigabytes: 5, idempotencyKey: "key-0001" }).success).toBe(true);
    expect(BuyTrafficInput.safeParse({ gigabytes: 5, idempotencyKey: "short" }).success).toBe(false);
  });

  test("take payouts of at least 10 USD to an account that can exist", () => {
    const input = {
      amountUsd: "10.00",
      method: "iban",
      destination: "de89 3704 0044 0532 0130 00",
      holderName: "Ann",
      idempotencyKey: "key-0001",
    };
    expect(RequestPayoutInput.parse(input).destination).toBe("DE89370400440532013000");
    const bad = [
      ...["9.99", "0", "-10", "10.001", "1e3", "10,00", "NaN", "1000000000", ""].map((amountUsd) => ({ amountUsd })),
      ...["", "DE89370400440532013001", "20208000900123456789/00444"].map((destination) => ({ destination })),
      { method: "cash" },
      { holderName: " " },
      { idempotencyKey: "short" },
      { more: true },
    ];
    for (const part of bad) expect(RequestPayoutInput.safeParse({ ...input, ...part }).success, JSON.stringify(part)).toBe(false);
  });

  test("refuse proxy names that the username grammar could not read", () => {
    for (const username of ["abc", "with-dash", "UPPER", "ünïcode", "a".repeat(33), "a b c d", "customer", "user"]) {
      expect(CreateProxyUserInput.safeParse({ username }).success, username).toBe(false);
    }
    expect(CreateProxyUserInput.parse({ username: " demo1 " })).toEqual({ username: "demo1" });
  });

  test("refuse ids of another kind, pages that are too long and keys that they do not know", () => {
    expect(ProxyUserIdInput.safeParse({ id: newId("nod") }).success).toBe(false);
    expect(ProxyUserIdInput.safeParse({ id: newId("pxu") }).success).toBe(true);
    expect(PageInput.safeParse({ limit: 101 }).success).toBe(false);
    expect(PageInput.safeParse({ limit: 100, more: true }).success).toBe(false);
    expect(SessionsInput.parse({ country: "de" })).toEqual({ country: "DE" });
    expect(SuspendUserInput.safeParse({ id: newId("usr"), reason: "  " }).success).toBe(false);
  });
});
