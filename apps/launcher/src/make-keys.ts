/**
 * Makes the platform's keys once: four random secrets of 32 bytes and the TLS identities of tunnel and proxy port.
 *
 * A key that exists is never replaced: proxy passwords, sealed secrets and the pins inside enrolled nodes hang on them.
 * The tunnel's certificate is self-signed on purpose: nodes trust its public key by the pin in their enrolment code, not
 * a name. The proxy port's is a stand-in until one is configured, and is made again when the public host changes.
 */
import { randomBytes, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { keyPath, readTunnelIdentity, secretNames, type TunnelIdentity } from "@karvon/settings";
import { generate } from "selfsigned";
import { writeFileAtomically } from "./data-folder.ts";

const certificateYears = 30;

export async function makeKeys(dataDir: string, publicHost: string): Promise<TunnelIdentity> {
  for (const name of secretNames) {
    const path = keyPath(dataDir, name);
    if (!existsSync(path)) writeFileAtomically(path, randomBytes(32).toString("base64url"));
  }
  if (!existsSync(keyPath(dataDir, "tunnel-cert.pem"))) await makePair(dataDir, "tunnel", []);
  if (!isCertificateFor(keyPath(dataDir, "proxy-cert.pem"), publicHost)) {
    await makePair(dataDir, "proxy", [...new Set([publicHost, "localhost", "127.0.0.1", "::1"])]);
  }
  return readTunnelIdentity(dataDir);
}

/** A self-signed P-256 certificate for `names`, which may be hosts and addresses, and its key. */
async function makePair(dataDir: string, use: "tunnel" | "proxy", names: readonly string[]): Promise<void> {
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + certificateYears);
  const altNames = names.map((name) => (isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name }));
  const made = await generate([{ name: "commonName", value: `karvon-${use}` }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notAfterDate,
    ...(names.length === 0 ? {} : { extensions: [{ name: "subjectAltName" as const, altNames }] }),
  });
  // The key first: a certificate without its key would never be replaced.
  writeFileAtomically(keyPath(dataDir, `${use}-key.pem`), made.private);
  writeFileAtomically(keyPath(dataDir, `${use}-cert.pem`), made.cert);
}

/** A missing or damaged file is no certificate. */
function isCertificateFor(path: string, host: string): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(path));
    return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
  } catch {
    return false;
  }
}
