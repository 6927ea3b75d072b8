import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyPath, readAuthSecret, readPepper, readProxyTls, readTunnelIdentity } from "./keys.ts";

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "karvon-keys-"));
  mkdirSync(join(dataDir, "keys"));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

describe("keys of the data folder", () => {
  test("come back as they were stored", () => {
    const secret = Buffer.alloc(32, 7);
    writeFileSync(keyPath(dataDir, "pepper"), `${secret.toString("base64url")}\n`);
    writeFileSync(keyPath(dataDir, "auth-secret"), secret.toString("base64url"));
    expect(readPepper(dataDir)).toEqual(secret);
    expect(readAuthSecret(dataDir)).toBe(secret.toString("base64url"));
  });

  test("name the file and the next step when one is missing", () => {
    expect(() => readPepper(dataDir)).toThrow(/keys.pepper cannot be read; run npm start/);
  });

  test("are refused when cut short", () => {
    writeFileSync(keyPath(dataDir, "pepper"), "c2hvcnQ");
    expect(() => readPepper(dataDir)).toThrow(/is damaged/);
  });

  test("are refused when the certificate is not one", () => {
    writeFileSync(keyPath(dataDir, "tunnel-key.pem"), "key");
    writeFileSync(keyPath(dataDir, "tunnel-cert.pem"), "certificate");
    expect(() => readTunnelIdentity(dataDir)).toThrow(/certificate .* is damaged/);
  });

  test("are refused when the proxy's certificate and key do not belong together", () => {
    const certPath = join(dataDir, "c.pem");
    const privatePath = join(dataDir, "k.pem");
    const read = (): unknown => readProxyTls({ dataDir, proxyTls: { certPath, keyPath: privatePath } });
    expect(read).toThrow(/^KARVON_PROXY_TLS_CERT is wrong: the file .*c\.pem cannot be read\.$/);
    writeFileSync(certPath, "certificate");
    expect(read).toThrow(/^KARVON_PROXY_TLS_KEY is wrong: the file .*k\.pem cannot be read\.$/);
    writeFileSync(privatePath, "key");
    expect(read).toThrow(/are not a PEM certificate and the private key that belongs to it/);
  });
});
