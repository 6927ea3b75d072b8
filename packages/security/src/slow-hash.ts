/**
 * argon2id for what people type: passwords and mailed codes (OWASP's second row: 19 MiB, 2 passes, 1 lane).
 *
 * One hash takes about 40 ms of a processor; hash-worker.ts says where and how many may wait.
 */
import { randomBytes } from "node:crypto";
import { createHashWorker } from "./hash-worker.ts";

const settings = { memorySize: 19_456, iterations: 2, parallelism: 1, hashLength: 32 } as const;
const saltBytes = 16;
/** Only hashes of these settings are checked: a PHC string from elsewhere could ask for gigabytes. */
const phcPattern = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;
/** Random bytes in the shape of a hash: no secret fits. */
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$+Iw4DbC55iP3tcUrlJrD/g$Vn8QmO0sT4c1xkq2Wd7bR9yJf5hLzE3uKp6AeGtYi0M";

const worker = createHashWorker();

/** A PHC string of `secret` under a fresh salt. */
export function slowHash(secret: string): Promise<string> {
  return worker.run({ kind: "hash", secret: secret.normalize("NFKC"), salt: randomBytes(saltBytes), settings });
}

/**
 * Whether `secret` is what `phc` was made of. With null it does the same work and says no, so that an account that
 * does not exist takes as long as one that does.
 */
export async function slowVerify(phc: string | null, secret: string): Promise<boolean> {
  if (phc !== null && !phcPattern.test(phc)) return false;
  const answer = await worker.run({ kind: "verify", secret: secret.normalize("NFKC"), phc: phc ?? nobodysHash });
  return phc !== null && answer === "yes";
}
