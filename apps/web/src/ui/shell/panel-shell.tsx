"use client";
import { LogOut, Menu } from "lucide-react";
import Link from "next/link";
import { useState, type ReactNode } from "react";
import { Brand } from "../brand.tsx";
import { Button } from "../button.tsx";
import { Dialog } from "../dialog.tsx";
import type { Theme } from "../theme.ts";
import { ThemeToggle } from "../theme-toggle.tsx";
import type { PanelRole } from "./nav-items.ts";
import { PanelNav } from "./panel-nav.tsx";
import { SiteFooter } from "./site-footer.tsx";

export interface ShellViewer {
  readonly email: string;
  readonly displayName: string | null;
  readonly role: PanelRole;
  readonly isDemo: boolean;
}

interface PanelShellProps {
  viewer: ShellViewer;
  theme: Theme;
  onSignOut: () => void;
  children: ReactNode;
}

const panelNames = { client: "Client", operator: "Operator", admin: "Admin" } as const;

/** The frame of a panel: navigation at the left, or in a sheet on narrow screens, and the page. */
export function PanelShell({ viewer, theme, onSignOut, children }: PanelShellProps) {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const name = panelNames[viewer.role];
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)] print:block">
      <a
        href="#page"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2"
      >
        Skip to the page
      </a>
      <aside className="hidden border-r bg-surface lg:block print:hidden">
        <div className="sticky top-0 flex h-dvh flex-col">
          <Link href={`/${viewer.role}`} className="flex h-14 items-center px-5" aria-label={`Karvon, ${name} panel`}>
            <Brand suffix={name} />
          </Link>
          <PanelNav role={viewer.role} />
          <ShellFoot viewer={viewer} theme={theme} onSignOut={onSignOut} />
        </div>
      </aside>

      <header className="sticky top-0 z-30 flex h-14 items-center justify-between border-b bg-surface px-4 lg:hidden print:hidden">
        <Link href={`/${viewer.role}`} aria-label={`Karvon, ${name} panel`}>
          <Brand suffix={name} />
        </Link>
        <Button look="quiet" size="icon" className="size-10" aria-label="Open the menu" onClick={() => setMenuOpen(true)}>
          <Menu aria-hidden="true" className="size-5!" />
        </Button>
      </header>
      <Dialog kind="sheet" open={isMenuOpen} onOpenChange={setMenuOpen} title="Menu">
        <div className="flex h-14 items-center border-b px-5">
          <Brand suffix={name} />
        </div>
        <PanelNav role={viewer.role} onGo={() => setMenuOpen(false)} />
        <ShellFoot viewer={viewer} theme={theme} onSignOut={onSignOut} />
      </Dialog>

      <div className="flex min-h-[calc(100dvh-3.5rem)] min-w-0 flex-col lg:min-h-dvh">
        {viewer.isDemo ? <DemoBanner role={viewer.role} /> : null}
        <main id="page" tabIndex={-1} className="mx-auto w-full max-w-7xl flex-1 px-4 py-6 outline-none sm:px-6 lg:px-8 lg:py-8">
          {children}
        </main>
        <SiteFooter className="mx-auto w-full max-w-7xl px-4 sm:px-6 lg:px-8" />
      </div>
    </div>
  );
}

function ShellFoot({ viewer, theme, onSignOut }: { viewer: ShellViewer; theme: Theme; onSignOut: () => void }) {
  return (
    <div className="flex items-center gap-1 border-t px-3 py-2.5">
      <div className="min-w-0 flex-1 px-2">
        {viewer.displayName === null ? null : <p className="truncate text-sm font-medium">{viewer.displayName}</p>}
        <p className="truncate text-xs text-faint" title={viewer.email}>
          {viewer.email}
        </p>
      </div>
      <ThemeToggle initial={theme} />
      <Button look="quiet" size="icon" aria-label="Sign out" title="Sign out" onClick={onSignOut}>
        <LogOut aria-hidden="true" />
      </Button>
    </div>
  );
}

const demoTexts = {
  client: { name: "Demo account.", text: "Its traffic comes from the built-in demo; no real device and no real money is involved." },
  operator: { name: "Demo account.", text: "Its nodes are the built-in demo fleet; no real device and no real money is involved." },
  admin: { name: "Demo network.", text: "What is marked demo was made by the built-in fleet; everything else is real." },
} as const;

function DemoBanner({ role }: { role: PanelRole }) {
  const { name, text } = demoTexts[role];
  return (
    <section
      aria-label="Demo"
      data-testid="demo-banner"
      className="border-b border-dashed border-accent/40 bg-accent-wash px-4 py-1.5 text-center text-sm text-soft"
    >
      <span className="font-medium text-accent">{name}</span> {text}
    </section>
  );
}
