/**
 * Live subscriptions: ticks of the radar for one signed-in browser.
 *
 * A stream ends when its sign-in does: the session's row is looked at again every 5 s, as a call's would be.
 */
import { AppError } from "@karvon/domain";
import { listOwnNodeIds, type RadarTick, type ServiceContext } from "@karvon/services";
import type { ApiContext } from "./context.ts";

const sessionCheckEveryMs = 5_000;
const nodesMaxAgeMs = 10_000;

export async function* followLive(ctx: ApiContext, signal: AbortSignal | undefined): AsyncGenerator<RadarTick, void> {
  const never = new AbortController();
  let checkedAtMs = Date.now();
  for await (const tick of ctx.radar.follow(signal ?? never.signal)) {
    const nowMs = Date.now();
    if (nowMs - checkedAtMs >= sessionCheckEveryMs) {
      if (!(await ctx.isStillSignedIn())) throw new AppError("SIGN_IN_REQUIRED", "This sign-in has ended.");
      checkedAtMs = nowMs;
    }
    yield tick;
  }
}

/** The operator's own node ids, at most 10 s old: a node that just enrolled appears with the next look. */
export function ownNodes(services: ServiceContext): () => Promise<ReadonlySet<string>> {
  let known: ReadonlySet<string> = new Set();
  let readAtMs = 0;
  return async () => {
    const nowMs = Date.now();
    if (nowMs - readAtMs < nodesMaxAgeMs) return known;
    readAtMs = nowMs;
    known = new Set(await listOwnNodeIds(services));
    return known;
  };
}
