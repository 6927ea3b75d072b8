import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ControlMessage,
  type ControlType,
  dataPayloadMaxBytes,
  decodeControl,
  decodeGoAway,
  decodeOpen,
  decodeOpened,
  encodeControl,
  encodeFrame,
  encodeGoAway,
  encodeOpen,
  encodeOpened,
  FrameReader,
  frameTypes,
} from "../index.ts";

const protocolPage = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");
const vectors = new Map<string, string>();
for (const [, name = "", bytes = ""] of (/```vectors\n([\s\S]*?)```/.exec(protocolPage)?.[1] ?? "").matchAll(/^(.+) = ([0-9a-f]+)$/gm))
  vectors.set(name, bytes);

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const frames: Readonly<Record<string, Buffer>> = {
  "DATA hello on 1": encodeFrame(frameTypes.data, 1, Buffer.from("hello")),
  OPEN: encodeFrame(frameTypes.open, 1, encodeOpen({ window: 65_536, host: "example.com", port: 443 })),
  OPEN6: encodeFrame(frameTypes.open, 3, encodeOpen({ window: 32_768, host: "2001:db8::1", port: 80 })),
  OPENED: encodeFrame(frameTypes.opened, 1, encodeOpened({ window: 65_536, connectMs: 23, address: "192.0.2.7" })),
  OPENED6: encodeFrame(frameTypes.opened, 3, encodeOpened({ window: 65_536, connectMs: 70_000, address: "2001:db8::1" })),
  FIN: encodeFrame(frameTypes.fin, 1),
  RST: encodeFrame(frameTypes.rst, 5, Buffer.from([6])),
  WINDOW: encodeFrame(frameTypes.window, 1, u32(32_768)),
  PING: encodeFrame(frameTypes.ping, 0, u32(7)),
  PONG: encodeFrame(frameTypes.pong, 0, u32(7)),
  GOAWAY: encodeFrame(frameTypes.goAway, 0, encodeGoAway({ lastStreamId: 5, reason: 2 })),
  CHALLENGE: encodeFrame(
    frameTypes.challenge,
    0,
    encodeControl("challenge", { gatewayId: "gwy_1", nonce: Buffer.alloc(32, 1).toString("base64url"), protocol: 1 }),
  ),
  WITHDRAW: encodeFrame(frameTypes.withdraw, 0, encodeControl("withdraw", {})),
  REDIAL: encodeFrame(frameTypes.redial, 0),
};

/** The signed messages by the document's own words, so that the document is checked and not only the code. */
function layOut(...fields: readonly (string | bigint | Buffer)[]): string {
  return fields
    .map((field) => {
      const bytes = typeof field === "bigint" ? Buffer.from(field.toString(16).padStart(16, "0"), "hex") : Buffer.from(field);
      return bytes.length.toString(16).padStart(4, "0") + bytes.toString("hex");
    })
    .join("");
}

describe("docs/protocol.md", () => {
  test.each(Object.entries(frames))("has the bytes of %s", (name, bytes) => {
    expect(vectors.get(name)).toBe(bytes.toString("hex"));
  });

  test("has the bytes of the signed messages", async () => {
    const [nonce, binding, tokenHash, textHash] = [1, 2, 3, 4].map((value) => Buffer.alloc(32, value));
    if (nonce === undefined || binding === undefined || tokenHash === undefined || textHash === undefined) throw new Error("four hashes");
    const consent = layOut("karvon-consent-v1", "key", "1", textHash, 1_700_000_000_000n);
    const consentHash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(consent, "hex")));
    expect(vectors.get("CONSENT message")).toBe(consent);
    expect(vectors.get("AUTH message")).toBe(layOut("karvon-auth-v1", "gwy_1", nonce, binding, "nod_1", "key_1", "boot", 258n));
    expect(vectors.get("ENROL message")).toBe(layOut("karvon-enrol-v1", "gwy_1", nonce, binding, tokenHash, "key", consentHash));
    expect(vectors.size).toBe(Object.keys(frames).length + 3);
  });

  test("lists every frame type with its number", () => {
    for (const [name, type] of Object.entries(frameTypes)) expect(protocolPage).toContain(`| ${type} | ${name.toUpperCase()} |`);
  });
});

describe("the frame reader", () => {
  interface Seen {
    readonly type: number;
    readonly streamId: number;
    payload: string;
  }
  function read(bytes: Buffer, cuts: readonly number[]): { seen: readonly Seen[]; violation: string | null } {
    const seen: Seen[] = [];
    const reader = new FrameReader({
      dataStart: (streamId) => seen.push({ type: 0, streamId, payload: "" }),
      dataChunk: (chunk) => {
        const last = seen.at(-1);
        if (last !== undefined) last.payload += chunk.toString("hex");
      },
      frame: (type, streamId, source, start, end) => seen.push({ type, streamId, payload: source.toString("hex", start, end) }),
    });
    let from = 0;
    for (const end of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)) {
      reader.push(bytes.subarray(from, end));
      from = end;
    }
    return { seen, violation: reader.violation };
  }
  const everyByte = (bytes: Buffer): number[] => Array.from({ length: bytes.length }, (_, index) => index);

  test("cuts all frames of the document out of one stream, whole or byte by byte", () => {
    const stream = Buffer.concat(Object.values(frames));
    const whole = read(stream, []);
    expect(whole.violation).toBeNull();
    expect(whole.seen.map((frame) => frame.type)).toEqual([0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 16, 128]);
    expect(read(stream, everyByte(stream))).toEqual(whole);
  });

  test("skips unknown types from 128 on, also in parts, and nothing below", () => {
    const stream = Buffer.concat([
      encodeFrame(129, 0, Buffer.alloc(4_096)),
      encodeFrame(128, 5),
      encodeFrame(255, 7),
      encodeFrame(frameTypes.fin, 1),
    ]);
    for (const cuts of [[], everyByte(stream)])
      expect(read(stream, cuts)).toEqual({ seen: [{ type: 3, streamId: 1, payload: "" }], violation: null });
    const longer = Buffer.concat([encodeFrame(frameTypes.redial, 0, Buffer.alloc(9)), encodeFrame(frameTypes.fin, 1)]);
    for (const cuts of [[], everyByte(longer)]) expect(read(longer, cuts).seen.map((frame) => frame.type)).toEqual([128, 3]);
    expect(read(encodeFrame(127, 0), []).violation).toBe("unknown-type");
    expect(read(encodeFrame(128, 0, Buffer.alloc(4_097)), []).violation).toBe("frame-too-long");
  });

  test("gives the same frames and the same violation for every split of anything", () => {
    const piece = fc.oneof(
      fc.constantFrom(...Object.values(frames)),
      fc.tuple(fc.nat(255), fc.nat(3), fc.uint8Array({ maxLength: 40 })).map(([type, id, payload]) => encodeFrame(type, id, payload)),
      fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
      fc.integer({ min: 1, max: dataPayloadMaxBytes }).map((length) => encodeFrame(frameTypes.data, 9, Buffer.alloc(length))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.array(fc.nat(40_000), { maxLength: 8 }), (pieces, cuts) => {
        const stream = Buffer.concat(pieces);
        return JSON.stringify(read(stream, cuts)) === JSON.stringify(read(stream, []));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("frame payloads", () => {
  test("read as they were written", () => {
    const open = encodeOpen({ window: 1, host: "a.example", port: 65_535 });
    expect(decodeOpen(open, 0, open.length)).toEqual({ window: 1, host: "a.example", port: 65_535 });
    const opened = encodeOpened({ window: 9, connectMs: 65_534.6, address: "2001:db8:0:0::7" });
    expect(decodeOpened(opened, 0, opened.length)).toEqual({ window: 9, connectMs: 65_535, family: 6, address: "2001:db8::7" });
    const goAway = encodeGoAway({ lastStreamId: 4_294_967_295, reason: 255 });
    expect(decodeGoAway(goAway, 0, 5)).toEqual({ lastStreamId: 4_294_967_295, reason: 255 });
  });

  test("are refused when they are made wrong", () => {
    for (const host of ["", "a b", "é", "a\n", "x".repeat(256)]) expect(() => encodeOpen({ window: 1, host, port: 1 })).toThrow(RangeError);
    for (const address of ["", "a.example", "::1%lo", "0177.0.0.1"])
      expect(() => encodeOpened({ window: 1, connectMs: 1, address })).toThrow(RangeError);
    expect(() => encodeControl("refused", { code: "x", message: "y".repeat(5_000) })).toThrow(RangeError);
  });

  test("never make a reader throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (array, type) => {
        const bytes = Buffer.from(array);
        const open = decodeOpen(bytes, 0, bytes.length);
        decodeOpened(bytes, 0, bytes.length);
        decodeGoAway(bytes, 0, bytes.length);
        decodeControl(type, bytes);
        return open === null || (open.port > 0 && /^[\x21-\x7e]+$/.test(open.host));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("control frames", () => {
  const consent = { version: "1", textSha256: "x", acceptedAtMs: 1, signature: "s" };
  const messages: readonly ControlMessage[] = [
    { type: "challenge", payload: { gatewayId: "gwy_1", nonce: "n", protocol: 1 } },
    {
      type: "auth",
      payload: { nodeId: "n", keyId: "k", bootId: "b", sessionSeq: 7, signature: "s", agentVersion: "1", platform: "linux", model: "" },
    },
    { type: "ready", payload: { publicAddress: "203.0.113.7", country: "UZ", city: null, asn: 8193, asnName: null } },
    {
      type: "enrol",
      payload: {
        token: "t",
        algorithm: "p256",
        publicKey: "k",
        signature: "s",
        label: "",
        platform: "android",
        model: "m",
        agentVersion: "1",
        consent,
      },
    },
    { type: "enrolled", payload: { nodeId: "n", keyId: "k", operatorName: "Operator" } },
    {
      type: "status",
      payload: {
        batteryPercent: 80,
        isCharging: null,
        network: "wifi",
        isMetered: false,
        dayBytes: 1e12,
        dayLimitBytes: null,
        accepting: true,
        reason: null,
      },
    },
    { type: "refused", payload: { code: "auth_failed", message: "" } },
    { type: "withdraw", payload: {} },
  ];
  test.each(messages)("$type reads as it was written, without fields that it does not know", (message) => {
    const payload = Buffer.from(JSON.stringify({ ...message.payload, unknownField: { deep: true } }));
    expect(decodeControl(frameTypes[message.type], payload)).toEqual(message);
    expect(decodeControl(frameTypes[message.type], encodeFor(message))).toEqual(message);
  });

  test.each<readonly [ControlType, string]>([
    ["challenge", "[]"],
    ["challenge", "null"],
    ["challenge", '{"gatewayId":"g","nonce":"n"}'],
    ["challenge", '{"gatewayId":"g","nonce":"n","protocol":1.5}'],
    ["challenge", `{"gatewayId":"${"g".repeat(65)}","nonce":"n","protocol":1}`],
    ["auth", '{"__proto__":{"nodeId":"n"},"keyId":"k"}'],
    [
      "enrol",
      '{"token":"t","algorithm":"p256","publicKey":"k","signature":"s","label":"","platform":"","model":"","agentVersion":"","consent":{"version":"1"}}',
    ],
    ["status", '{"network":"wifi","dayBytes":-1,"accepting":true}'],
    ["status", '{"network":"wifi","dayBytes":0,"accepting":"yes"}'],
    ["status", '{"network":"wifi","dayBytes":0,"accepting":true,"batteryPercent":101}'],
  ])("%s does not read %s", (type, text) => {
    expect(decodeControl(frameTypes[type], Buffer.from(text))).toBeNull();
  });

  test("fields that may be null may also be left out", () => {
    expect(decodeControl(frameTypes.ready, Buffer.from('{"publicAddress":"203.0.113.7"}'))).toEqual({
      type: "ready",
      payload: { publicAddress: "203.0.113.7", country: null, city: null, asn: null, asnName: null },
    });
  });

  function encodeFor(message: ControlMessage): Buffer {
    return encodeControl(message.type, message.payload);
  }
});
