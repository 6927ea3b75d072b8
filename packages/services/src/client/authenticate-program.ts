import { AppError } from "@karvon/domain";
import { verifyProxyPassword } from "@karvon/security";
import type { ServiceDeps } from "../context.ts";

/** $1 username. */
const readProgram = {
  name: "program-by-username",
  text: `
    select p.id, p.client_id as "clientId", p.secret_hash as "secretHash",
           p.status = 'active' and c.status = 'active' and u.status = 'active' as "isActive"
      from proxy_user p join client c on c.id = p.client_id join user_account u on u.id = c.user_id
     where p.username = $1`,
};

interface ProgramRow {
  readonly id: string;
  readonly clientId: string;
  readonly secretHash: Uint8Array;
  readonly isActive: boolean;
}

export interface Program {
  readonly proxyUserId: string;
  readonly clientId: string;
}

const nobodysHash = new Uint8Array(32);
const usernameCharsMax = 32;

/**
 * A client's program by the credentials of one of its proxy users. SIGN_IN_FAILED says nothing about which part was wrong;
 * only who knows the password learns ACCOUNT_SUSPENDED. TRIES_EXCEEDED after ten failures from one address in 15 minutes.
 */
export async function authenticateProgram(
  deps: Pick<ServiceDeps, "statements" | "attempts" | "pepper" | "now">,
  login: { readonly username: string; readonly password: string; readonly ipAddress: string | null },
): Promise<Program> {
  // The secret is generated and long: guessing from many addresses is hopeless, so no account-wide limit shuts its owner out.
  const attempt = {
    account: `program ${login.username.slice(0, usernameCharsMax)}`,
    address: login.ipAddress ?? "unknown",
    isKnownAddress: true,
  };
  if (!deps.attempts.begin(attempt, deps.now().getTime())) {
    throw new AppError("TRIES_EXCEEDED", "Too many wrong passwords from this address. Wait 15 minutes, then try again.");
  }
  const [row] = await deps.statements.query<ProgramRow>(readProgram, [login.username]);
  const isRight = verifyProxyPassword(deps.pepper, login.password, row?.secretHash ?? nobodysHash);
  if (row === undefined || !isRight) throw new AppError("SIGN_IN_FAILED", "Username or password is wrong.");
  deps.attempts.succeed(attempt);
  if (!row.isActive) throw new AppError("ACCOUNT_SUSPENDED", "This proxy user or its account is disabled.");
  return { proxyUserId: row.id, clientId: row.clientId };
}
