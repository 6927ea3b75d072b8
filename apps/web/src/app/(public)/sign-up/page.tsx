import type { Metadata } from "next";
import { AuthCard } from "#ui/shell/public-shell.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { leaveWhenSignedIn } from "../../access.ts";
import { readParam, type SearchParams } from "../../search-params.ts";
import { SignUpForm } from "./sign-up-form.tsx";

export const metadata: Metadata = { title: "Sign up" };

export default async function SignUpPage({ searchParams }: { searchParams: SearchParams }) {
  await leaveWhenSignedIn();
  const role = await readParam(searchParams, "role");
  return (
    <AuthCard
      title="Create an account"
      description="One e-mail address, one role. We send a code to confirm the address."
      below={
        <>
          Have an account? <TextLink href="/sign-in">Sign in</TextLink>
        </>
      }
    >
      <SignUpForm initialRole={role === "operator" ? "operator" : "client"} />
    </AuthCard>
  );
}
