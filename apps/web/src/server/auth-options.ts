/**
 * next-auth's part: it takes the two forms of signing in and makes the token that the cookie carries.
 *
 * The token holds a session id and nothing that decides anything: whether it counts, and for whom, is read from the
 * database on every call. A refusal comes back as the error word of signIn(): a code of PANEL_ERRORS.
 */
import type { NextAuthOptions, RequestInternal, User } from "next-auth";
import Credentials from "next-auth/providers/credentials";
import { clientAddressHeader } from "./client-address.ts";
import { getRuntime, type SignInOutcome, type SignInRequest } from "./runtime.ts";

const tokenMaxAgeSeconds = 30 * 24 * 3_600;

declare module "next-auth" {
  interface User {
    sessionId: string;
  }
}
declare module "next-auth/jwt" {
  interface JWT {
    sid?: string;
  }
}

type CredentialsRequest = Pick<RequestInternal, "headers">;

export function makeAuthOptions(): NextAuthOptions {
  const runtime = getRuntime();
  const { name, isSecure } = runtime.signInCookie;
  return {
    secret: runtime.authSecret,
    session: { strategy: "jwt", maxAge: tokenMaxAgeSeconds },
    pages: { signIn: "/sign-in", error: "/sign-in" },
    useSecureCookies: isSecure,
    cookies: { sessionToken: { name, options: { httpOnly: true, sameSite: "lax", path: "/", secure: isSecure } } },
    providers: [
      Credentials({
        id: "password",
        name: "password",
        credentials: { email: {}, password: {} },
        authorize: async (input, request) =>
          admit(await runtime.signInWithPassword({ email: input?.email, password: input?.password }, readRequest(request))),
      }),
      Credentials({
        id: "admin-code",
        name: "admin-code",
        credentials: { email: {}, code: {} },
        authorize: async (input, request) =>
          admit(await runtime.signInWithAdminCode({ email: input?.email, code: input?.code }, readRequest(request))),
      }),
    ],
    callbacks: {
      jwt: ({ token, user }) => {
        // `user` is there only at the moment of signing in. Name, address and picture stay out of the token.
        const sid = isSignedIn(user) ? user.sessionId : token.sid;
        return sid === undefined ? {} : { sid };
      },
      session: ({ session }) => ({ expires: session.expires }),
      redirect: ({ baseUrl }) => baseUrl,
    },
    events: {
      signOut: async ({ token }) => {
        if (token.sid !== undefined) await runtime.endSignIn(token.sid);
      },
    },
    logger: { error: () => undefined, warn: () => undefined, debug: () => undefined },
  };
}

/** The user for next-auth, or an error whose message is the code that the page shows. */
function admit(outcome: SignInOutcome): User {
  if (outcome.kind === "refused") throw new Error(outcome.code);
  if (outcome.kind === "failed") throw new Error("INTERNAL");
  return { id: outcome.viewer.id, sessionId: outcome.sessionId };
}

function isSignedIn(user: unknown): user is User {
  return typeof user === "object" && user !== null && "sessionId" in user;
}

function readRequest(request: CredentialsRequest): SignInRequest {
  return {
    ipAddress: readHeader(request, clientAddressHeader),
    userAgent: readHeader(request, "user-agent"),
    cookieHeader: readHeader(request, "cookie"),
  };
}

function readHeader(request: CredentialsRequest, name: string): string | null {
  const value: unknown = request.headers?.[name];
  return typeof value === "string" ? value : null;
}
