import Link from "next/link";
import type { ReactNode } from "react";

export function TextLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Link href={href} className="font-medium text-ink underline decoration-line-strong underline-offset-3 hover:decoration-accent">
      {children}
    </Link>
  );
}
