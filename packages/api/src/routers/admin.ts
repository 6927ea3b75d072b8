import {
  endSession,
  getAdminOverview,
  getReconciliation,
  grantAllowlistBlock,
  listAdminNodes,
  listAdminRefusals,
  listAdminSessions,
  listAudit,
  listClientAllowlist,
  listUsers,
  reinstateNode,
  reinstateUser,
  revokeAllowlistEntry,
  runReconciliation,
  setClientTerms,
  suspendNode,
  suspendUser,
  verifyAudit,
} from "@karvon/services";
import {
  ClientAllowlistInput,
  ClientTermsInput,
  EndSessionInput,
  GrantAllowlistBlockInput,
  PageInput,
  RevokeAllowlistEntryInput,
  SearchPageInput,
  SessionsInput,
  SuspendNodeInput,
  SuspendUserInput,
} from "@karvon/services/inputs";
import { followLive } from "../live.ts";
import { adminProcedure, router } from "../trpc.ts";

export const adminRouter = router({
  overview: adminProcedure.query(({ ctx }) => getAdminOverview(ctx.services)),
  users: adminProcedure.input(SearchPageInput).query(({ ctx, input }) => listUsers(ctx.services, input)),
  suspendUser: adminProcedure.input(SuspendUserInput).mutation(({ ctx, input }) => suspendUser(ctx.services, input)),
  reinstateUser: adminProcedure.input(SuspendUserInput).mutation(({ ctx, input }) => reinstateUser(ctx.services, input)),
  setClientTerms: adminProcedure.input(ClientTermsInput).mutation(({ ctx, input }) => setClientTerms(ctx.services, input)),
  allowlist: router({
    list: adminProcedure.input(ClientAllowlistInput).query(({ ctx, input }) => listClientAllowlist(ctx.services, input)),
    grant: adminProcedure.input(GrantAllowlistBlockInput).mutation(({ ctx, input }) => grantAllowlistBlock(ctx.services, input)),
    revoke: adminProcedure.input(RevokeAllowlistEntryInput).mutation(({ ctx, input }) => revokeAllowlistEntry(ctx.services, input)),
  }),
  nodes: adminProcedure.input(SearchPageInput).query(({ ctx, input }) => listAdminNodes(ctx.services, input)),
  suspendNode: adminProcedure.input(SuspendNodeInput).mutation(({ ctx, input }) => suspendNode(ctx.services, input)),
  reinstateNode: adminProcedure.input(SuspendNodeInput).mutation(({ ctx, input }) => reinstateNode(ctx.services, input)),
  sessions: adminProcedure.input(SessionsInput).query(({ ctx, input }) => listAdminSessions(ctx.services, input)),
  endSession: adminProcedure.input(EndSessionInput).mutation(({ ctx, input }) => endSession(ctx.services, input)),
  refusals: adminProcedure.input(SearchPageInput).query(({ ctx, input }) => listAdminRefusals(ctx.services, input)),
  reconciliation: adminProcedure.query(({ ctx }) => getReconciliation(ctx.services)),
  runReconciliation: adminProcedure.mutation(({ ctx }) => runReconciliation(ctx.services)),
  audit: adminProcedure.input(PageInput).query(({ ctx, input }) => listAudit(ctx.services, input)),
  verifyAudit: adminProcedure.query(({ ctx }) => verifyAudit(ctx.services)),
  live: adminProcedure.subscription(async function* live({ ctx, signal }) {
    yield* followLive(ctx, signal);
  }),
});
