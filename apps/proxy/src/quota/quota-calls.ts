/** What one run of this gateway says to the database about bytes in hand, of proxy users and of tags alike. Every call has its turn. */
import type { GatewayDatabase, QuotaTaken } from "@karvon/db/sql";
import type { TagAccount, UserAccount } from "../session/accounts.ts";
import type { Quota } from "./quota.ts";

/** Of a user, or of a tag that has caps. */
export type KeptQuota = Quota<UserAccount | TagAccount>;

export interface QuotaCallsOptions {
  readonly database: Pick<GatewayDatabase, "takeQuota" | "returnQuota" | "takeTagQuota" | "returnTagQuota">;
  readonly gatewayId: string;
  readonly epoch: bigint;
}

export class QuotaCalls {
  readonly #options: QuotaCallsOptions;
  #turn = 0;

  constructor(options: QuotaCallsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#turn;
  }

  take({ owner, spentBytes }: KeptQuota, wantBytes: number): Promise<QuotaTaken> {
    const { database } = this.#options;
    const ask = { ...this.#next(owner), spentBytes, wantBytes };
    return "tag" in owner
      ? database.takeTagQuota({ ...ask, tag: owner.tag })
      : database.takeQuota({ ...ask, proxyUserId: owner.proxyUserId });
  }

  giveBack({ owner }: KeptQuota, spentBytes: number): Promise<void> {
    const { database } = this.#options;
    const given = { ...this.#next(owner), spentBytes };
    return "tag" in owner
      ? database.returnTagQuota({ ...given, tag: owner.tag })
      : database.returnQuota({ ...given, proxyUserId: owner.proxyUserId });
  }

  #next({ client }: UserAccount | TagAccount): { clientId: string; gatewayId: string; epoch: bigint; turn: number } {
    const { gatewayId, epoch } = this.#options;
    this.#turn += 1;
    return { clientId: client.clientId, gatewayId, epoch, turn: this.#turn };
  }
}

/** For the log. */
export function nameOf({ owner }: KeptQuota): { readonly proxyUserId: string } | { readonly clientId: string; readonly tag: string } {
  return "tag" in owner ? { clientId: owner.client.clientId, tag: owner.tag } : { proxyUserId: owner.proxyUserId };
}
