import { GeistMono } from "geist/font/mono";
import { GeistSans } from "geist/font/sans";
import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { ApiProvider } from "#trpc/client.tsx";
import "./globals.css";
import { findTheme } from "./theme-choice.ts";

export const metadata: Metadata = {
  title: { default: "Karvon", template: "%s · Karvon" },
  description: "A self-hosted proxy network over devices whose owners agreed to it.",
};

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#faf9f6" },
    { media: "(prefers-color-scheme: dark)", color: "#11100e" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = await findTheme();
  return (
    <html lang="en" className={`${GeistSans.variable} ${GeistMono.variable}`} {...(theme === "system" ? {} : { "data-theme": theme })}>
      <body>
        <ApiProvider>{children}</ApiProvider>
      </body>
    </html>
  );
}
