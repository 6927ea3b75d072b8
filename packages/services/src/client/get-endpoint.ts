import { requireClient } from "../actor.ts";
import type { ServiceContext } from "../context.ts";
import type { EndpointView } from "../views.ts";

/** Where a program connects, and what it can ask for at this moment. */
export async function getEndpoint(ctx: ServiceContext): Promise<EndpointView> {
  const { clientId } = requireClient(ctx);
  const availability = await ctx.findAvailability();
  return { clientId, host: ctx.network.proxyHost, port: ctx.network.proxyPort, ...availability };
}
