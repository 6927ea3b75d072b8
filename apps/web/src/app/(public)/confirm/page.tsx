import type { Metadata } from "next";
import { AuthCard } from "#ui/shell/public-shell.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { readParam, type SearchParams } from "../../search-params.ts";
import { ConfirmForm } from "./confirm-form.tsx";

export const metadata: Metadata = { title: "Confirm your e-mail" };

/** Also the target of the mailed link. The link fills in the code; the visitor still presses the button, so a mail scanner confirms nothing. */
export default async function ConfirmPage({ searchParams }: { searchParams: SearchParams }) {
  const [email, code] = await Promise.all(["email", "code"].map((name) => readParam(searchParams, name)));
  return (
    <AuthCard
      title="Confirm your e-mail"
      description="Enter the eight digits from the mail that we just sent. They hold for a short while."
      below={
        <>
          Confirmed already? <TextLink href="/sign-in">Sign in</TextLink>
        </>
      }
    >
      <ConfirmForm email={email ?? ""} code={code ?? ""} />
    </AuthCard>
  );
}
