import { createDecipheriv, createHmac } from "node:crypto";
import { argon2id } from "hash-wasm";
import { describe, expect, test } from "vitest";
import { AppError } from "@karvon/domain";
import { createHashWorker } from "./hash-worker.ts";
import { hashEnrolmentToken, makeEnrolmentCode, readEnrolmentCode } from "./enrolment-code.ts";
import { judgeChallenge, mailedCodeLimits, makeMailedCode } from "./otp/mailed-code.ts";
import { hashProxyPassword, makeProxyPassword, verifyProxyPassword } from "./proxy-password.ts";
import { seal, unseal } from "./sealed.ts";
import { slowHash, slowVerify } from "./slow-hash.ts";
import { hashToken, isSameBytes, makeToken } from "./tokens.ts";

const pepper = Buffer.alloc(32, 5);

describe("proxy passwords", () => {
  test("are pxk and 24 letters or digits, each time others", () => {
    const made = Array.from({ length: 200 }, makeProxyPassword);
    for (const password of made) expect(password).toMatch(/^pxk[A-Za-z0-9]{24}$/);
    expect(new Set(made).size).toBe(200);
  });

  test("are kept as HMAC-SHA256 under the pepper", () => {
    expect(hashProxyPassword(pepper, "pxkA")).toEqual(createHmac("sha256", pepper).update("pxkA").digest());
    // RFC 4231, test case 6: a key of 131 bytes 0xaa.
    const hash = hashProxyPassword(Buffer.alloc(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First");
    expect(hash.toString("hex")).toBe("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  });

  test("are checked exactly, and odd input is only wrong", () => {
    const password = makeProxyPassword();
    const hash = hashProxyPassword(pepper, password);
    expect(verifyProxyPassword(pepper, password, hash)).toBe(true);
    expect(verifyProxyPassword(Buffer.alloc(32, 6), password, hash)).toBe(false);
    for (const wrong of ["", `${password} `, password.toLowerCase(), "x".repeat(10_000), "\u0000"])
      expect(verifyProxyPassword(pepper, wrong, hash)).toBe(false);
    for (const stored of [Buffer.alloc(0), hash.subarray(0, 31), Buffer.alloc(32)])
      expect(verifyProxyPassword(pepper, password, stored)).toBe(false);
    expect(() => hashProxyPassword(Buffer.alloc(16), password)).toThrow(RangeError);
  });
});

describe("enrolment codes", () => {
  const spkiPin = Buffer.alloc(32, 8).toString("base64url");

  test.each([
    ["127.0.0.1", 7443],
    ["gateway.example.org", 443],
    ["2001:db8::1", 7443],
  ])("bring %s:%d and the pin to the device and back", (host, port) => {
    const made = makeEnrolmentCode({ host, port, spkiPin });
    expect(readEnrolmentCode(` ${made.code}\n`)).toEqual({
      kind: "code",
      token: made.token,
      tokenHash: made.tokenHash,
      host,
      port,
      spkiPin,
    });
    expect(hashEnrolmentToken(made.token)).toEqual(made.tokenHash);
  });

  test("that are cut, changed or made up are named as such", () => {
    const { code, token } = makeEnrolmentCode({ host: "127.0.0.1", port: 7443, spkiPin });
    const [, , pin = "", place = ""] = code.split(".");
    const bad = [
      "",
      "kve1",
      code.slice(0, -30),
      code.replace("kve1", "kve2"),
      `${code}.x`,
      `kve1.${token.slice(0, -1)}.${pin}.${place}`,
      `kve1.${token}A.${pin}.${place}`,
      `kve1.${token}.${pin.slice(2)}.${place}`,
      `kve1.${token}.${pin}.${Buffer.from("no port").toString("base64url")}`,
      `kve1.${token}.${pin}.${Buffer.from("host:99999").toString("base64url")}`,
      `kve1.${token}.${pin}.${Buffer.from("host:0").toString("base64url")}`,
      `kve1.${token}.${pin}.${Buffer.from("a b:80").toString("base64url")}`,
      "x".repeat(100_000),
    ];
    for (const text of bad) expect(readEnrolmentCode(text).kind, text.slice(0, 60)).toBe("malformed");
    expect(hashEnrolmentToken("not base64url!")).toBeNull();
  });
});

describe("slow hashes", () => {
  test("are argon2id in PHC form, salted, and fit only their secret", async () => {
    const [one, two] = [await slowHash("pässword"), await slowHash("pässword")];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await slowVerify(one, "pa\u0308ssword")).toBe(true);
    expect(await slowVerify(one, "password")).toBe(false);
  });

  test("come from a library that agrees with the reference code's own test vector", async () => {
    // The reference implementation's test.c: version 19, t = 2, m = 64 MiB, p = 1, "password", "somesalt".
    const hash = await argon2id({
      password: "password",
      salt: "somesalt",
      memorySize: 65_536,
      iterations: 2,
      parallelism: 1,
      hashLength: 32,
    });
    expect(hash).toBe("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
  });

  test("of nobody take the work and say no; foreign settings are not followed", async () => {
    expect(await slowVerify(null, "anything")).toBe(false);
    expect(await slowVerify("$argon2id$v=19$m=4194304,t=100,p=1$c29tZXNhbHRzb21lc2FsdA$AAAA", "x")).toBe(false);
    expect(await slowVerify("", "x")).toBe(false);
  });

  test("wait for one another up to a limit, and leave the event loop to others meanwhile", async () => {
    const worker = createHashWorker(3);
    const settings = { memorySize: 19_456, iterations: 2, parallelism: 1, hashLength: 32 };
    const answers: string[] = [];
    const asked = Array.from({ length: 5 }, () =>
      worker.run({ kind: "hash", secret: "x", salt: Buffer.alloc(16), settings }).then(
        () => void answers.push("done"),
        (cause: unknown) => void answers.push(cause instanceof AppError ? cause.code : String(cause)),
      ),
    );
    let turns = 0;
    while (answers.length < 5) {
      await new Promise((resume) => setImmediate(resume));
      turns += 1;
    }
    await Promise.all(asked);
    expect(answers.toSorted()).toEqual(["TRIES_EXCEEDED", "TRIES_EXCEEDED", "done", "done", "done"]);
    // Three hashes take some 100 ms; a loop that they hold up turns a handful of times.
    expect(turns).toBeGreaterThan(100);
  });

  test("of the same secret and salt are the same, whichever thread made them", async () => {
    const task = {
      kind: "hash",
      secret: "x",
      salt: Buffer.alloc(16),
      settings: { memorySize: 64, iterations: 1, parallelism: 1, hashLength: 32 },
    } as const;
    expect(await createHashWorker().run(task)).toBe(await createHashWorker().run(task));
  });
});

describe("mailed codes", () => {
  const open = { tries: 1, expiresAtMs: 1_000, isConsumed: false, browserHash: hashToken("browser") };

  test("are eight digits, kept as a slow hash", async () => {
    const { code, codeHash } = await makeMailedCode();
    expect(code).toMatch(/^\d{8}$/);
    expect(codeHash).not.toContain(code);
    expect(await slowVerify(codeHash, code)).toBe(true);
  });

  test("are compared only while they are open", () => {
    expect(judgeChallenge(open, "browser", 999)).toBe("open");
    expect(judgeChallenge(open, "browser", 1_000)).toBe("expired");
    expect(judgeChallenge({ ...open, isConsumed: true }, "browser", 999)).toBe("consumed");
    expect(judgeChallenge({ ...open, tries: mailedCodeLimits.triesMax }, "browser", 999)).toBe("open");
    expect(judgeChallenge({ ...open, tries: mailedCodeLimits.triesMax + 1 }, "browser", 999)).toBe("tries_exceeded");
    expect(judgeChallenge(open, "another", 999)).toBe("other_browser");
    expect(judgeChallenge(open, null, 999)).toBe("other_browser");
    expect(judgeChallenge({ ...open, browserHash: null }, null, 999)).toBe("open");
  });
});

describe("sealed values", () => {
  const key = Buffer.alloc(32, 1);
  const place = "user_account:usr_1:totp_secret_sealed";

  test("open in their place with their key, also after the key was replaced", () => {
    const sealed = seal(key, place, Buffer.from("secret"));
    expect(unseal([key], place, sealed)?.toString()).toBe("secret");
    expect(unseal([Buffer.alloc(32, 2), key], place, sealed)?.toString()).toBe("secret");
    expect(seal(key, place, Buffer.from("secret"))).not.toEqual(sealed);
  });

  test("do not open elsewhere, with another key, cut or with any bit changed", () => {
    const sealed = seal(key, place, Buffer.from("secret"));
    expect(unseal([key], place.replace("usr_1", "usr_2"), sealed)).toBeNull();
    expect(unseal([Buffer.alloc(32, 2)], place, sealed)).toBeNull();
    expect(unseal([], place, sealed)).toBeNull();
    for (let length = 0; length < sealed.length; length += 1) expect(unseal([key], place, sealed.subarray(0, length))).toBeNull();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x80, at);
      expect(unseal([key], place, changed)).toBeNull();
    }
    expect(() => seal(Buffer.alloc(16), place, Buffer.alloc(0))).toThrow(RangeError);
  });

  test("have the layout that is written down, so that another program can open them", () => {
    const sealed = seal(key, place, Buffer.from("secret"));
    expect(sealed[0]).toBe(1);
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(5, 17));
    decipher.setAAD(Buffer.concat([sealed.subarray(0, 17), Buffer.from(place)]));
    decipher.setAuthTag(sealed.subarray(17, 33));
    expect(Buffer.concat([decipher.update(sealed.subarray(33)), decipher.final()]).toString()).toBe("secret");
  });
});

describe("opaque tokens", () => {
  test("are 256 random bits, kept as SHA-256", () => {
    expect(makeToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(makeToken()).not.toBe(makeToken());
    expect(hashToken("abc").toString("hex")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(isSameBytes(Buffer.from("a"), Buffer.from("ab"))).toBe(false);
  });
});
