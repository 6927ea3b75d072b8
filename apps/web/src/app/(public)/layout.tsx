import type { ReactNode } from "react";
import { PublicShell } from "#ui/shell/public-shell.tsx";
import { findTheme } from "../theme-choice.ts";

export default async function PublicLayout({ children }: { children: ReactNode }) {
  return <PublicShell theme={await findTheme()}>{children}</PublicShell>;
}
