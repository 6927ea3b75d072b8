"use client";
/**
 * The browser's side of tRPC: calls go in batches of ten at most, subscriptions over server-sent events.
 *
 * Reading is tried again twice when the network or the server failed; a refusal (4xx) is shown at once.
 * A sign-in that has ended sends the browser to its sign-in page, wherever that is noticed.
 */
import type { AppRouter } from "@karvon/api";
import { panelRequestHeader } from "@karvon/services/inputs";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from "@trpc/client";
import { createTRPCContext } from "@trpc/tanstack-react-query";
import { useState, type ReactNode } from "react";
import superjson from "superjson";
import { config } from "zod";
import { isRefusal, isSignedOut } from "./failure.ts";

// The page's policy forbids evaluating text; without this zod would try it once and the browser would report it.
config({ jitless: true });

const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();
export { useTRPC, useTRPCClient };

const url = "/api/trpc";
const batchCallsMax = 10;
const triesMax = 2;

export function ApiProvider({ children }: { children: ReactNode }) {
  const [queryClient] = useState(makeQueryClient);
  const [client] = useState(makeClient);
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={client} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  );
}

function makeClient() {
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === "subscription",
        true: httpSubscriptionLink({ url, transformer: superjson }),
        false: httpBatchLink({
          url,
          transformer: superjson,
          maxItems: batchCallsMax,
          headers: { [panelRequestHeader.name]: panelRequestHeader.value },
        }),
      }),
    ],
  });
}

function makeQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: leaveWhenSignedOut }),
    mutationCache: new MutationCache({ onError: leaveWhenSignedOut }),
    defaultOptions: {
      queries: { staleTime: 2_000, retry: (failures, error) => failures < triesMax && !isRefusal(error), refetchOnWindowFocus: true },
      mutations: { retry: false },
    },
  });
}

function leaveWhenSignedOut(error: unknown): void {
  if (!isSignedOut(error)) return;
  const here = window.location.pathname;
  const door = here.startsWith("/admin") ? "/admin/sign-in" : "/sign-in";
  if (here !== door) window.location.assign(`${door}?next=${encodeURIComponent(here)}&ended=1`);
}
