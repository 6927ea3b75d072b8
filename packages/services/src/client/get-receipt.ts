import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { SessionIdInput } from "../inputs/common.ts";
import { readReceipt, showReceipt } from "../receipts.ts";
import type { ClientReceipt } from "../views.ts";

/** What one of the client's own sessions cost and why. Of the node its place, never its address or its owner. */
export async function getReceipt(ctx: ServiceContext, { id }: SessionIdInput): Promise<ClientReceipt> {
  const { clientId } = requireClient(ctx);
  const row = await readReceipt(ctx, { side: "client", id: clientId }, id);
  return { ...showReceipt(row, "client"), targetPort: row.target_port, proxyUsername: row.proxy_username ?? "", tag: row.tag };
}
