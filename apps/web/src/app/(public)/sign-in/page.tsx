import type { Metadata } from "next";
import { AuthCard } from "#ui/shell/public-shell.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { leaveWhenSignedIn } from "../../access.ts";
import { readParam, type SearchParams } from "../../search-params.ts";
import { SignInForm } from "./sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignInPage({ searchParams }: { searchParams: SearchParams }) {
  await leaveWhenSignedIn();
  const [next, email, confirmed, ended] = await Promise.all(
    ["next", "email", "confirmed", "ended"].map((name) => readParam(searchParams, name)),
  );
  return (
    <AuthCard
      title="Sign in"
      description="For clients and operators."
      below={
        <div className="flex flex-wrap justify-between gap-x-4 gap-y-1">
          <span>
            New here? <TextLink href="/sign-up">Create an account</TextLink>
          </span>
          <TextLink href="/admin/sign-in">Admin sign-in</TextLink>
        </div>
      }
    >
      <SignInForm next={next ?? null} email={email ?? ""} hasConfirmed={confirmed === "1"} hasEnded={ended === "1"} />
    </AuthCard>
  );
}
