import Link from "next/link";
import type { ReactNode } from "react";
import { Brand } from "../brand.tsx";
import { Button } from "../button.tsx";
import type { Theme } from "../theme.ts";
import { ThemeToggle } from "../theme-toggle.tsx";
import { SiteFooter } from "./site-footer.tsx";

/** The frame of pages for everybody. */
export function PublicShell({ theme, children }: { theme: Theme; children: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="mx-auto flex h-16 w-full max-w-5xl items-center justify-between gap-3 px-4 sm:px-6">
        <Link href="/" aria-label="Karvon, home">
          <Brand />
        </Link>
        <nav aria-label="Site" className="flex items-center gap-1">
          <ThemeToggle initial={theme} />
          <Button asChild look="quiet" size="sm">
            <Link href="/sign-in">Sign in</Link>
          </Button>
          <Button asChild look="primary" size="sm">
            <Link href="/sign-up">Sign up</Link>
          </Button>
        </nav>
      </header>
      <main className="mx-auto w-full max-w-5xl flex-1 px-4 sm:px-6">{children}</main>
      <SiteFooter className="mx-auto w-full max-w-5xl px-4 sm:px-6" />
    </div>
  );
}

/** A narrow sheet in the middle: sign-in, sign-up, codes. */
export function AuthCard({
  title,
  description,
  children,
  below,
}: {
  title: string;
  description?: ReactNode;
  children: ReactNode;
  below?: ReactNode;
}) {
  return (
    <div className="mx-auto w-full max-w-sm py-10 sm:py-16">
      <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
      {description === undefined ? null : <p className="mt-1.5 text-base text-pretty text-soft">{description}</p>}
      <div className="mt-6">{children}</div>
      {below === undefined ? null : <div className="mt-6 border-t pt-4 text-sm text-soft">{below}</div>}
    </div>
  );
}
