/**
 * argon2id for what people type: passwords and mailed codes (OWASP's second row: 19 MiB, 2 passes, 1 lane).
 *
 * One hash holds the event loop for about 30 ms, so hashes run one after another with a turn for everybody else in
 * between, and at most 64 wait: the next is refused with TRIES_EXCEEDED instead of queueing for minutes.
 */
import { randomBytes } from "node:crypto";
import { AppError } from "@karvon/domain";
import { argon2id, argon2Verify } from "hash-wasm";

const memoryKib = 19_456;
const passes = 2;
const lanes = 1;
const saltBytes = 16;
const hashBytes = 32;
const waitingMax = 64;
/** Only hashes of these settings are checked: a PHC string from elsewhere could ask for gigabytes. */
const phcPattern = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

let waiting = 0;
let last: Promise<unknown> = Promise.resolve();

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (waiting >= waitingMax) throw new AppError("TRIES_EXCEEDED", "Too many people sign in at this moment. Try again in a minute.");
  waiting += 1;
  const before = last;
  const mine = (async () => {
    await before;
    await nextTurn();
    return work();
  })();
  last = mine.catch(() => undefined);
  try {
    return await mine;
  } finally {
    waiting -= 1;
  }
}

/** A PHC string of `secret` under a fresh salt. */
export function slowHash(secret: string): Promise<string> {
  return inTurn(() =>
    argon2id({
      password: secret.normalize("NFKC"),
      salt: randomBytes(saltBytes),
      memorySize: memoryKib,
      iterations: passes,
      parallelism: lanes,
      hashLength: hashBytes,
      outputType: "encoded",
    }),
  );
}

/** Random bytes in the shape of a hash: no secret fits. */
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$+Iw4DbC55iP3tcUrlJrD/g$Vn8QmO0sT4c1xkq2Wd7bR9yJf5hLzE3uKp6AeGtYi0M";

/**
 * Whether `secret` is what `phc` was made of. With null it does the same work and says no, so that an account that
 * does not exist takes as long as one that does.
 */
export async function slowVerify(phc: string | null, secret: string): Promise<boolean> {
  if (phc === null) {
    await inTurn(() => argon2Verify({ password: secret.normalize("NFKC"), hash: nobodysHash }));
    return false;
  }
  if (!phcPattern.test(phc)) return false;
  return inTurn(() => argon2Verify({ password: secret.normalize("NFKC"), hash: phc }));
}
