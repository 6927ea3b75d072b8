import Link from "next/link";
import { Button } from "#ui/button.tsx";
import { AuthCard, PublicShell } from "#ui/shell/public-shell.tsx";
import { findTheme } from "./theme-choice.ts";

export default async function NotFound() {
  return (
    <PublicShell theme={await findTheme()}>
      <AuthCard title="There is no page here" description="The address may be mistyped, or the page may have moved.">
        <Button asChild look="primary">
          <Link href="/">Go to the start</Link>
        </Button>
      </AuthCard>
    </PublicShell>
  );
}
