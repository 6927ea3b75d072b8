"use client";
import { useMutation } from "@tanstack/react-query";
import { signOut } from "next-auth/react";
import type { ReactNode } from "react";
import { useTRPC } from "#trpc/client.tsx";
import { PanelShell, type ShellViewer } from "#ui/shell/panel-shell.tsx";
import type { Theme } from "#ui/theme.ts";

/** The panel's frame with a working sign-out: the session's row is revoked first, then the cookie goes. */
export function PanelFrame({ viewer, theme, children }: { viewer: ShellViewer; theme: Theme; children: ReactNode }) {
  const trpc = useTRPC();
  const leave = useMutation(
    trpc.auth.signOut.mutationOptions({
      onSettled: async () => {
        await signOut({ redirect: false });
        window.location.assign(viewer.role === "admin" ? "/admin/sign-in" : "/sign-in");
      },
    }),
  );
  return (
    <PanelShell viewer={viewer} theme={theme} onSignOut={() => leave.mutate()}>
      {children}
    </PanelShell>
  );
}
