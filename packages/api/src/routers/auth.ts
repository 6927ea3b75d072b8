import {
  confirmEmail,
  listSignInSessions,
  requestAdminCode,
  resendConfirmation,
  revokeOtherSignInSessions,
  revokeSignInSession,
  signOut,
  signUp,
} from "@karvon/services";
import { ConfirmEmailInput, EmailInput, RevokeSessionInput, SignUpInput } from "@karvon/services/inputs";
import { publicProcedure, router, signedInProcedure } from "../trpc.ts";

export const authRouter = router({
  viewer: publicProcedure.query(({ ctx }) => ctx.viewer),
  signUp: publicProcedure.input(SignUpInput).mutation(async ({ ctx, input }) => {
    const { email, browserSecret } = await signUp(ctx.services, input);
    ctx.cookies.setBrowserSecret(browserSecret);
    return { email };
  }),
  confirmEmail: publicProcedure.input(ConfirmEmailInput).mutation(({ ctx, input }) => confirmEmail(ctx.services, input)),
  resendConfirmation: publicProcedure.input(EmailInput).mutation(async ({ ctx, input }) => {
    const { browserSecret } = await resendConfirmation(ctx.services, input);
    ctx.cookies.setBrowserSecret(browserSecret);
  }),
  requestAdminCode: publicProcedure.input(EmailInput).mutation(async ({ ctx, input }) => {
    const { browserSecret } = await requestAdminCode(ctx.services, input);
    ctx.cookies.setBrowserSecret(browserSecret);
    return { sent: true as const };
  }),
  signOut: signedInProcedure.mutation(async ({ ctx }) => {
    await signOut(ctx.services);
    ctx.cookies.clearSignIn();
  }),
  sessions: router({
    list: signedInProcedure.query(({ ctx }) => listSignInSessions(ctx.services)),
    revoke: signedInProcedure.input(RevokeSessionInput).mutation(({ ctx, input }) => revokeSignInSession(ctx.services, input)),
    revokeOthers: signedInProcedure.mutation(({ ctx }) => revokeOtherSignInSessions(ctx.services)),
  }),
});
