import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BodyScanner, createChunkedScanner } from "../index.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

describe("the chunked scanner", () => {
  function scan(text: string, cuts: readonly number[]): string {
    const scanner = createChunkedScanner();
    const buffer = bytes(text);
    const ends = [...cuts.map((cut) => cut % (buffer.length + 1)), buffer.length].toSorted((a, b) => a - b);
    let from = 0;
    for (const end of ends) {
      const answer = scanner.scan(buffer.subarray(from, end));
      if (answer.kind === "malformed") return answer.reason;
      if (answer.kind === "end") return `end ${from + answer.consumed}`;
      from = end;
    }
    return "more";
  }
  const cases: readonly (readonly [string, string])[] = [
    ["0\r\n\r\nGET /", "end 5"],
    ["5\r\nhello\r\n0\r\n\r\n", "end 15"],
    ['A;name="v"\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\nrest', "end 42"],
    ["5\r\nhel", "more"],
    ["5\r\nhelloX\r\n", "chunk-line-end"],
    ["1\nX\n0\n\n", "chunk-size"],
    ["1;a\nX\r\n", "chunk-extension"],
    ["0x1\r\nX\r\n", "chunk-size"],
    ["7fffffffffffffff1\r\nX", "chunk-size"],
    ["-1\r\n", "chunk-size"],
    [" 1\r\n", "chunk-size"],
    ["1 \r\n", "chunk-size"],
    ["\r\n", "chunk-size"],
    [`1;${"x".repeat(257)}`, "chunk-extension"],
    [`0\r\n${"x".repeat(8_193)}`, "trailer"],
    ["0\r\nA: b\r\n c\r\n\r\n", "folded-field"],
    ["0\r\nA: b\rX\r\n\r\n", "chunk-line-end"],
    ["0\r\nX-Sum: 1\r\nX-Other:\r\n\r\nrest", "end 25"],
    ["0\r\nContent-Length: 5\r\n\r\n", "trailer"],
    ["0\r\nTRANSFER-ENCODING: chunked\r\n\r\n", "trailer"],
    ["0\r\nHost: a\r\n\r\n", "trailer"],
    ["0\r\nConnection: close\r\n\r\n", "trailer"],
    ["0\r\nProxy-Authorization: Basic eDp5\r\n\r\n", "trailer"],
    ["0\r\nno colon\r\n\r\n", "trailer"],
    ["0\r\n: x\r\n\r\n", "trailer"],
    ["0\r\nX Y: x\r\n\r\n", "trailer"],
    [`0\r\n${"x".repeat(257)}`, "trailer"],
    ["ffffffffffff\r\nX", "more"],
    ["fffffffffffff\r\nX", "chunk-size"],
  ];
  test.each(cases)("says of %j: %s", (text, wanted) => {
    expect(scan(text, [])).toBe(wanted);
    expect(
      scan(
        text,
        Array.from({ length: text.length }, (_, index) => index),
      ),
    ).toBe(wanted);
  });
  test("finds the same end for every body and split", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 70 }), { maxLength: 5 }),
        fc.array(fc.nat(500), { maxLength: 8 }),
        (parts, cuts) => {
          const body = `${parts.map((part) => `${part.length.toString(16)}\r\n${Buffer.from(part).toString("latin1")}\r\n`).join("")}0\r\n\r\n`;
          return scan(`${body}next`, cuts) === `end ${body.length}`;
        },
      ),
    );
  });
  test("never throws on noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 4 }), (noise, cuts) => {
        const text = Buffer.from(noise).toString("latin1");
        return scan(text, cuts) === scan(text, []);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("BodyScanner", () => {
  const taken = (scanner: BodyScanner, text: string): unknown[] => [scanner.take(bytes(text)), scanner.isComplete];
  test("counts a length to its end and leaves the rest", () => {
    const scanner = new BodyScanner({ kind: "length", bytes: 5 });
    expect([...taken(scanner, "abc"), ...taken(scanner, "deGET"), ...taken(scanner, "GET")]).toEqual([3, false, 2, true, 0, true]);
  });
  test("is complete at once without a body, and never when the end of the connection is the end", () => {
    expect(new BodyScanner({ kind: "none" }).isComplete).toBe(true);
    expect(taken(new BodyScanner({ kind: "close" }), "anything")).toEqual([8, false]);
  });
  test("finds the end of chunks and says what is wrong with them", () => {
    const scanner = new BodyScanner({ kind: "chunked" });
    expect([...taken(scanner, "3\r\nab"), ...taken(scanner, "c\r\n0\r\n\r\nGET")]).toEqual([5, false, 8, true]);
    const parts: Buffer[] = [];
    const decoding = new BodyScanner({ kind: "chunked" });
    for (const text of ["3;x\r\na", "bc\r\n", "2\r\nde\r\n0\r\nX: y\r\n\r\nGET"]) decoding.take(bytes(text), parts);
    expect([Buffer.concat(parts).toString(), decoding.isComplete]).toEqual(["abcde", true]);
    const broken = new BodyScanner({ kind: "chunked" });
    expect([...taken(broken, "x"), broken.fault]).toEqual([-1, false, "chunk-size"]);
  });
});
