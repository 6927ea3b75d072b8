/**
 * Reads the keys that the launcher makes in `keys/` of the data folder.
 *
 * Every reader throws a SettingsError with one sentence when a key is missing, empty or cut short. Nothing is written
 * here and nothing is cached. Limits: a key file is at most 16 KiB, a certificate with its chain 128 KiB.
 */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Settings, SettingsError } from "./settings.ts";

/** Secrets of 32 random bytes, stored as base64url text. */
export const secretNames = ["pepper", "auth-secret", "service-token", "seal-key"] as const;
export type SecretName = (typeof secretNames)[number];

export interface TunnelIdentity {
  readonly keyPem: string;
  readonly certPem: string;
  /** base64url SHA-256 of the certificate's SubjectPublicKeyInfo (DER), 43 characters. */
  readonly spkiPin: string;
}

const keyFileBytesMax = 16_384;
const chainBytesMax = 131_072;
const secretBytes = 32;

/** What clients that use TLS to the proxy port see. The certificate may be followed by its chain. */
export interface ProxyTlsIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Where a key file lives, for those who make it. */
export function keyPath(dataDir: string, name: SecretName | `${"tunnel" | "proxy"}-${"key" | "cert"}.pem`): string {
  return join(dataDir, "keys", name);
}

function readKeyFile(path: string): string {
  try {
    if (statSync(path).size > keyFileBytesMax) throw new RangeError("the file is too large for a key");
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new SettingsError(
      "KARVON_DATA_DIR",
      `The key file ${path} cannot be read; run npm start, which makes it, or set KARVON_DATA_DIR to the data folder that holds it.`,
      { cause },
    );
  }
}

function readSecret(dataDir: string, name: SecretName): Buffer {
  const path = keyPath(dataDir, name);
  const secret = Buffer.from(readKeyFile(path), "base64url");
  if (secret.length !== secretBytes) {
    throw new SettingsError("KARVON_DATA_DIR", `The key file ${path} is damaged; restore it from a backup of the data folder.`);
  }
  return secret;
}

/** The key of the HMAC over proxy passwords, 32 bytes. */
export function readPepper(dataDir: string): Buffer {
  return readSecret(dataDir, "pepper");
}

/** The key that seals secrets at rest, 32 bytes. */
export function readSealKey(dataDir: string): Buffer {
  return readSecret(dataDir, "seal-key");
}

/** The secret that signs the panels' cookies, 43 characters. */
export function readAuthSecret(dataDir: string): string {
  return readSecret(dataDir, "auth-secret").toString("base64url");
}

/** The bearer token of the gateway's ops port, 43 characters. */
export function readServiceToken(dataDir: string): string {
  return readSecret(dataDir, "service-token").toString("base64url");
}

/** The gateway's TLS identity towards nodes, and the pin that enrolment codes carry. */
export function readTunnelIdentity(dataDir: string): TunnelIdentity {
  const keyPem = readKeyFile(keyPath(dataDir, "tunnel-key.pem"));
  const certPath = keyPath(dataDir, "tunnel-cert.pem");
  const certPem = readKeyFile(certPath);
  try {
    const spki = new X509Certificate(certPem).publicKey.export({ type: "spki", format: "der" });
    return { keyPem, certPem, spkiPin: createHash("sha256").update(spki).digest("base64url") };
  } catch (cause) {
    throw new SettingsError("KARVON_DATA_DIR", `The certificate ${certPath} is damaged; restore it from a backup of the data folder.`, {
      cause,
    });
  }
}

/** The certificate of the proxy port: the configured files, or the self-signed pair of the data folder. */
export function readProxyTls({ proxyTls, dataDir }: Pick<Settings, "proxyTls" | "dataDir">): ProxyTlsIdentity {
  if (proxyTls === null) {
    const own = { certPem: readKeyFile(keyPath(dataDir, "proxy-cert.pem")), keyPem: readKeyFile(keyPath(dataDir, "proxy-key.pem")) };
    if (isPair(own)) return own;
    const path = keyPath(dataDir, "proxy-cert.pem");
    throw new SettingsError("KARVON_DATA_DIR", `The certificate ${path} is damaged; remove it and run npm start, which makes another.`);
  }
  const { certPath, keyPath: privatePath } = proxyTls;
  const identity = { certPem: readPem("KARVON_PROXY_TLS_CERT", certPath), keyPem: readPem("KARVON_PROXY_TLS_KEY", privatePath) };
  if (isPair(identity)) return identity;
  throw new SettingsError(
    "KARVON_PROXY_TLS_KEY",
    `KARVON_PROXY_TLS_CERT (${certPath}) and KARVON_PROXY_TLS_KEY (${privatePath}) are not a PEM certificate and the private key that belongs to it.`,
  );
}

function readPem(variable: string, path: string): string {
  try {
    if (statSync(path).size > chainBytesMax) throw new RangeError("the file is too large for a certificate");
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SettingsError(variable, `${variable} is wrong: the file ${path} cannot be read.`, { cause });
  }
}

function isPair({ certPem, keyPem }: ProxyTlsIdentity): boolean {
  try {
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}
