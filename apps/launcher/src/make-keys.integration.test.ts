import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  keyPath,
  type ProxyTlsIdentity,
  readAuthSecret,
  readPepper,
  readProxyTls,
  readSealKey,
  readServiceToken,
  secretNames,
} from "@karvon/settings";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeKeys } from "./make-keys.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "karvon-keys-"));
  mkdirSync(join(dir, "keys"));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("makeKeys", () => {
  test("makes every key that the programs read, each its own and for the owner only", async () => {
    await makeKeys(dir, "127.0.0.1");
    const secrets = [
      readPepper(dir).toString("base64url"),
      readSealKey(dir).toString("base64url"),
      readAuthSecret(dir),
      readServiceToken(dir),
    ];
    expect(new Set(secrets).size).toBe(secretNames.length);
    for (const name of [...secretNames, "tunnel-key.pem", "tunnel-cert.pem", "proxy-key.pem", "proxy-cert.pem"] as const)
      expect(statSync(keyPath(dir, name)).mode & 0o777).toBe(0o600);
  });

  test("makes a P-256 certificate that lasts", async () => {
    await makeKeys(dir, "127.0.0.1");
    const certificate = new X509Certificate(readFileSync(keyPath(dir, "tunnel-cert.pem")));
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(new Date(certificate.validTo).getFullYear()).toBeGreaterThanOrEqual(new Date().getFullYear() + 29);
  });

  test("never replaces a key", async () => {
    const first = await makeKeys(dir, "127.0.0.1");
    const pepper = readPepper(dir);
    const second = await makeKeys(dir, "127.0.0.1");
    expect(second.spkiPin).toBe(first.spkiPin);
    expect(readPepper(dir)).toEqual(pepper);
  });

  test("makes the proxy port's certificate for the public host, and again when that changes", async () => {
    await makeKeys(dir, "gw.example.org");
    const read = (): ProxyTlsIdentity => readProxyTls({ dataDir: dir, proxyTls: null });
    const first = read();
    const certificate = new X509Certificate(first.certPem);
    expect([certificate.checkHost("gw.example.org"), certificate.checkHost("localhost"), certificate.checkIP("127.0.0.1")]).toEqual([
      "gw.example.org",
      "localhost",
      "127.0.0.1",
    ]);
    await makeKeys(dir, "gw.example.org");
    expect(read()).toEqual(first);
    await makeKeys(dir, "192.0.2.7");
    expect(new X509Certificate(read().certPem).checkIP("192.0.2.7")).toBe("192.0.2.7");
  });
});
