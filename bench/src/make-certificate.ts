/** A key and a certificate for peers that speak TLS, made anew for each run and kept only as long as it lasts. */
import { generate } from "selfsigned";

export async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const made = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", curve: "P-256" });
  return { key: made.private, cert: made.cert };
}
