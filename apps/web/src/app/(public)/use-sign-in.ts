"use client";
import { useQueryClient } from "@tanstack/react-query";
import { signIn } from "next-auth/react";
import { useState } from "react";
import { useTRPC } from "#trpc/client.tsx";
import { enterPanel } from "./enter-panel.ts";
import { describeSignInFailure } from "./sign-in-failures.ts";

interface SignIn {
  readonly busy: boolean;
  readonly failure: { code: string; sentence: string } | null;
  readonly submit: (credentials: Record<string, string>) => Promise<void>;
}

/** Signs in through one of next-auth's providers, then loads the panel afresh, so that no earlier viewer's data is left. */
export function useSignIn(provider: "password" | "admin-code", next: string | null): SignIn {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<SignIn["failure"]>(null);

  const submit = async (credentials: Record<string, string>) => {
    setBusy(true);
    setFailure(null);
    try {
      const result = await signIn(provider, { ...credentials, redirect: false });
      if (result?.ok === true && (result.error === undefined || result.error === null)) {
        const viewer = await queryClient.fetchQuery(trpc.auth.viewer.queryOptions(undefined, { staleTime: 0 }));
        window.location.assign(enterPanel(viewer?.role ?? "", next));
        return;
      }
      const code = result?.error ?? "unknown";
      setFailure({ code, sentence: describeSignInFailure(code) });
    } catch {
      setFailure({ code: "no_answer", sentence: "The server did not answer. Check your connection, then try again." });
    }
    setBusy(false);
  };
  return { busy, failure, submit };
}
