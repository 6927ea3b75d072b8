"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { randomText } from "#ui/random-text.ts";
import type { FieldErrors } from "#ui/use-form.ts";

const keyLength = 24;

/** One key for each purchase that the buyer means: a retry after a lost answer is the same order. */
export function usePurchaseKey(onFields: (fields: FieldErrors) => void) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [idempotencyKey, setIdempotencyKey] = useState(() => randomText(keyLength));
  const renewKey = () => setIdempotencyKey(randomText(keyLength));
  const refresh = () => queryClient.invalidateQueries(trpc.client.pathFilter());
  return {
    idempotencyKey,
    renewKey,
    onSuccess: () => {
      renewKey();
      return refresh();
    },
    onError: (error: unknown) => {
      const { code, fields } = readFailure(error);
      onFields(fields);
      // The total that was shown is not the total any more: the page reads it again.
      return code === "QUOTE_CHANGED" ? refresh() : undefined;
    },
  };
}
