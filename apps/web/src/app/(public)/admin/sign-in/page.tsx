import type { Metadata } from "next";
import { AuthCard } from "#ui/shell/public-shell.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { leaveWhenSignedIn } from "../../../access.ts";
import { readParam, type SearchParams } from "../../../search-params.ts";
import { AdminSignInForm } from "./admin-sign-in-form.tsx";

export const metadata: Metadata = { title: "Admin sign-in" };

export default async function AdminSignInPage({ searchParams }: { searchParams: SearchParams }) {
  await leaveWhenSignedIn();
  const next = await readParam(searchParams, "next");
  return (
    <AuthCard
      title="Admin sign-in"
      description="We send a one-time code to an administrator's address. It works only in the browser that asked for it."
      below={
        <>
          Client or operator? <TextLink href="/sign-in">Sign in with a password</TextLink>
        </>
      }
    >
      <AdminSignInForm next={next} />
    </AuthCard>
  );
}
