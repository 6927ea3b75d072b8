/**
 * Makes the platform's keys once: four random secrets of 32 bytes and the tunnel's TLS identity.
 *
 * A key that exists is never replaced: proxy passwords, sealed secrets and the pins inside enrolled nodes hang on them.
 * The certificate is self-signed on purpose: nodes trust its public key by the pin in their enrolment code, not a name.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { keyPath, readTunnelIdentity, secretNames, type TunnelIdentity } from "@karvon/settings";
import { generate } from "selfsigned";
import { writeFileAtomically } from "./data-folder.ts";

const certificateYears = 30;

export async function makeKeys(dataDir: string): Promise<TunnelIdentity> {
  for (const name of secretNames) {
    const path = keyPath(dataDir, name);
    if (!existsSync(path)) writeFileAtomically(path, randomBytes(32).toString("base64url"));
  }
  const certPath = keyPath(dataDir, "tunnel-cert.pem");
  if (!existsSync(certPath)) {
    const notAfterDate = new Date();
    notAfterDate.setFullYear(notAfterDate.getFullYear() + certificateYears);
    const made = await generate([{ name: "commonName", value: "karvon-tunnel" }], {
      keyType: "ec",
      curve: "P-256",
      algorithm: "sha256",
      notAfterDate,
    });
    // The key first: a certificate without its key would never be replaced.
    writeFileAtomically(keyPath(dataDir, "tunnel-key.pem"), made.private);
    writeFileAtomically(certPath, made.cert);
  }
  return readTunnelIdentity(dataDir);
}
