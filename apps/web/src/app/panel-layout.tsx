import type { ReactNode } from "react";
import { getViewer } from "#server/viewer.ts";
import { PanelFrame } from "./panel-frame.tsx";
import { findTheme } from "./theme-choice.ts";

/** The frame of all three panels. It decides nothing: each page asks for its own viewer (see access.ts). */
export async function PanelLayout({ children }: { children: ReactNode }) {
  const [viewer, theme] = await Promise.all([getViewer(), findTheme()]);
  if (viewer === null) return children;
  const { email, displayName, role, isDemo } = viewer;
  return (
    <PanelFrame viewer={{ email, displayName, role, isDemo }} theme={theme}>
      {children}
    </PanelFrame>
  );
}
