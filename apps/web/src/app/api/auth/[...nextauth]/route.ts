import NextAuth from "next-auth";
import { makeAuthOptions } from "#server/auth-options.ts";

type Handler = (request: Request, context: { params: Promise<{ nextauth: string[] }> }) => Promise<Response>;

/** The options need the running server, so they are made for each request, not while Next builds. */
const handle: Handler = (request, context) => {
  const handler: Handler = NextAuth(makeAuthOptions());
  return handler(request, context);
};

export { handle as GET, handle as POST };
