import {
  buyTraffic,
  createAllowlistEntry,
  cancelOrder,
  createProxyUser,
  deleteAllowlistEntry,
  deleteTagCap,
  disableProxyUser,
  enableProxyUser,
  getClientOverview,
  getEndpoint,
  getReceipt,
  listAllowlist,
  listClientSessions,
  listLedger,
  listOrders,
  listPacks,
  listPaymentMethods,
  listProxyUsers,
  listRefusals,
  listTagCaps,
  requireClient,
  rotateProxyUserSecret,
  setProxyUserLimits,
  setProxyUserRules,
  setTagCap,
} from "@karvon/services";
import {
  AllowlistEntryIdInput,
  BuyTrafficInput,
  CreateAllowlistEntryInput,
  CreateProxyUserInput,
  OrderIdInput,
  PageInput,
  ProxyUserIdInput,
  ProxyUserLimitsInput,
  ProxyUserRulesInput,
  SessionIdInput,
  SessionsInput,
  TagCapInput,
  TagInput,
} from "@karvon/services/inputs";
import { followLive } from "../live.ts";
import { clientPart } from "../radar-feed.ts";
import { clientProcedure, router } from "../trpc.ts";

export const clientRouter = router({
  overview: clientProcedure.query(({ ctx }) => getClientOverview(ctx.services)),
  packs: clientProcedure.query(({ ctx }) => listPacks(ctx.services)),
  paymentMethods: clientProcedure.query(({ ctx }) => listPaymentMethods(ctx.services)),
  buyTraffic: clientProcedure.input(BuyTrafficInput).mutation(({ ctx, input }) => buyTraffic(ctx.services, input)),
  orders: clientProcedure.input(PageInput).query(({ ctx, input }) => listOrders(ctx.services, input)),
  cancelOrder: clientProcedure.input(OrderIdInput).mutation(({ ctx, input }) => cancelOrder(ctx.services, input)),
  proxyUsers: router({
    list: clientProcedure.query(({ ctx }) => listProxyUsers(ctx.services)),
    create: clientProcedure.input(CreateProxyUserInput).mutation(({ ctx, input }) => createProxyUser(ctx.services, input)),
    rotateSecret: clientProcedure.input(ProxyUserIdInput).mutation(({ ctx, input }) => rotateProxyUserSecret(ctx.services, input)),
    disable: clientProcedure.input(ProxyUserIdInput).mutation(({ ctx, input }) => disableProxyUser(ctx.services, input)),
    setRules: clientProcedure.input(ProxyUserRulesInput).mutation(({ ctx, input }) => setProxyUserRules(ctx.services, input)),
    setLimits: clientProcedure.input(ProxyUserLimitsInput).mutation(({ ctx, input }) => setProxyUserLimits(ctx.services, input)),
    enable: clientProcedure.input(ProxyUserIdInput).mutation(({ ctx, input }) => enableProxyUser(ctx.services, input)),
  }),
  tagCaps: router({
    list: clientProcedure.query(({ ctx }) => listTagCaps(ctx.services)),
    set: clientProcedure.input(TagCapInput).mutation(({ ctx, input }) => setTagCap(ctx.services, input)),
    delete: clientProcedure.input(TagInput).mutation(({ ctx, input }) => deleteTagCap(ctx.services, input)),
  }),
  allowlist: router({
    list: clientProcedure.input(ProxyUserIdInput).query(({ ctx, input }) => listAllowlist(ctx.services, input)),
    create: clientProcedure.input(CreateAllowlistEntryInput).mutation(({ ctx, input }) => createAllowlistEntry(ctx.services, input)),
    delete: clientProcedure.input(AllowlistEntryIdInput).mutation(({ ctx, input }) => deleteAllowlistEntry(ctx.services, input)),
  }),
  endpoint: clientProcedure.query(({ ctx }) => getEndpoint(ctx.services)),
  sessions: clientProcedure.input(SessionsInput).query(({ ctx, input }) => listClientSessions(ctx.services, input)),
  receipt: clientProcedure.input(SessionIdInput).query(({ ctx, input }) => getReceipt(ctx.services, input)),
  refusals: clientProcedure.input(PageInput).query(({ ctx, input }) => listRefusals(ctx.services, input)),
  ledger: clientProcedure.input(PageInput).query(({ ctx, input }) => listLedger(ctx.services, input)),
  live: clientProcedure.subscription(async function* live({ ctx, signal }) {
    const { clientId } = requireClient(ctx);
    for await (const tick of followLive(ctx, signal)) yield clientPart(tick, clientId);
  }),
});
