"use client";
import { useState } from "react";
import { ErrorPanel } from "#ui/error-panel.tsx";

/** When a page itself fails. The digest is the server log's key to the cause. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const [at] = useState(() => new Date().toISOString());
  return (
    <div className="mx-auto max-w-xl px-4 py-16">
      <h1 className="text-xl font-semibold">This page could not be shown</h1>
      <ErrorPanel
        failure={{
          message: "Something failed on our side.",
          detail: `page · ${error.digest ?? "no digest"} · ${at}`,
        }}
        onRetry={reset}
      />
    </div>
  );
}
