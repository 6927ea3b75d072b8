import { PROXY_ERRORS, type ProxyErrorCode, refuse } from "@karvon/domain";
import { describe, expect, test } from "vitest";
import { asciiText } from "./exit-fields.ts";
import { renderHttpRefusal, socksReplyCode } from "./render-refusal.ts";

const codes = Object.keys(PROXY_ERRORS).filter((code): code is ProxyErrorCode => code in PROXY_ERRORS);

describe("a refusal", () => {
  test.each(codes)("%s has a whole HTTP answer and a SOCKS5 reply", (code) => {
    const text = renderHttpRefusal({ requestId: "ses_1", refusal: refuse(code, 'the "word" \\ ü\r\nX-Evil: 1') }).toString();
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${PROXY_ERRORS[code].http} [A-Z]`));
    for (const line of head.split("\r\n").slice(1)) expect(line).toMatch(/^[A-Za-z0-9-]+: [\x20-\x7e]+$/);
    expect(head).not.toMatch(/^X-Evil/m);
    expect(Number(/^Content-Length: (\d+)$/m.exec(head)?.[1])).toBe(Buffer.byteLength(body));
    expect(JSON.parse(body)).toMatchObject({ code, billed: false, docs: `docs/errors.md#${code}` });
    expect(socksReplyCode(code)).toBeGreaterThan(0);
    expect(socksReplyCode(code)).toBeLessThanOrEqual(8);
  });

  test("to HEAD has a length and no body", () => {
    const text = renderHttpRefusal({ requestId: "ses_1", refusal: refuse("no_exit", "x"), isHead: true }).toString();
    expect(text.endsWith("\r\n\r\n")).toBe(true);
  });
});

test("places become printable ASCII", () => {
  expect([asciiText("São Paulo"), asciiText("Ташкент"), asciiText("a\r\nb")]).toEqual([
    "Sao Paulo",
    "%D0%A2%D0%B0%D1%88%D0%BA%D0%B5%D0%BD%D1%82",
    "a%0D%0Ab",
  ]);
});
