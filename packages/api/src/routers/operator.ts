import {
  cancelPayout,
  createEnrolmentCode,
  getEarnings,
  getOperatorOverview,
  getOperatorReceipt,
  getRateCard,
  listEnrolmentCodes,
  listOperatorLedger,
  listOperatorNodes,
  listOperatorSessions,
  listPayouts,
  pauseNode,
  requestPayout,
  requireOperator,
  resumeNode,
  retireNode,
} from "@karvon/services";
import {
  CreateEnrolmentInput,
  NodeIdInput,
  PageInput,
  PauseNodeInput,
  PayoutIdInput,
  RequestPayoutInput,
  SessionIdInput,
  SessionsInput,
} from "@karvon/services/inputs";
import { followLive, ownNodes } from "../live.ts";
import { operatorPart } from "../radar-feed.ts";
import { operatorProcedure, router } from "../trpc.ts";

export const operatorRouter = router({
  overview: operatorProcedure.query(({ ctx }) => getOperatorOverview(ctx.services)),
  nodes: router({
    list: operatorProcedure.query(({ ctx }) => listOperatorNodes(ctx.services)),
    pause: operatorProcedure.input(PauseNodeInput).mutation(({ ctx, input }) => pauseNode(ctx.services, input)),
    resume: operatorProcedure.input(NodeIdInput).mutation(({ ctx, input }) => resumeNode(ctx.services, input)),
    retire: operatorProcedure.input(NodeIdInput).mutation(({ ctx, input }) => retireNode(ctx.services, input)),
  }),
  enrolment: router({
    create: operatorProcedure.input(CreateEnrolmentInput).mutation(({ ctx, input }) => createEnrolmentCode(ctx.services, input)),
    list: operatorProcedure.query(({ ctx }) => listEnrolmentCodes(ctx.services)),
  }),
  sessions: operatorProcedure.input(SessionsInput).query(({ ctx, input }) => listOperatorSessions(ctx.services, input)),
  receipt: operatorProcedure.input(SessionIdInput).query(({ ctx, input }) => getOperatorReceipt(ctx.services, input)),
  earnings: operatorProcedure.query(({ ctx }) => getEarnings(ctx.services)),
  rateCard: operatorProcedure.query(({ ctx }) => getRateCard(ctx.services)),
  payouts: router({
    list: operatorProcedure.input(PageInput).query(({ ctx, input }) => listPayouts(ctx.services, input)),
    request: operatorProcedure.input(RequestPayoutInput).mutation(({ ctx, input }) => requestPayout(ctx.services, input)),
    cancel: operatorProcedure.input(PayoutIdInput).mutation(({ ctx, input }) => cancelPayout(ctx.services, input)),
  }),
  ledger: operatorProcedure.input(PageInput).query(({ ctx, input }) => listOperatorLedger(ctx.services, input)),
  live: operatorProcedure.subscription(async function* live({ ctx, signal }) {
    const { operatorId } = requireOperator(ctx);
    const own = ownNodes(ctx.services);
    for await (const tick of followLive(ctx, signal)) yield operatorPart(tick, operatorId, await own());
  }),
});
