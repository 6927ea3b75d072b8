"use client";
import { PROXY_ERRORS } from "@karvon/domain";
import { useCallback, useState } from "react";
import { Card } from "#ui/card.tsx";
import { RankedBars } from "#ui/charts/ranked-bars.tsx";
import { formatCount } from "#ui/format.ts";

type Counts = Readonly<Record<string, number>>;

const messages: Readonly<Record<string, { message: string }>> = PROXY_ERRORS;
const shownMax = 12;

/** Adds up the refusals of each tick from the moment the page was opened; a tick tells its own second only. */
export function useRefusalCounts() {
  const [counts, setCounts] = useState<Counts>({});
  const add = useCallback((more: Counts) => {
    const entries = Object.entries(more).filter(([, count]) => count > 0);
    if (entries.length === 0) return;
    setCounts((before) => ({ ...before, ...Object.fromEntries(entries.map(([code, count]) => [code, (before[code] ?? 0) + count])) }));
  }, []);
  return { counts, add };
}

/** Why requests were not carried, most frequent first. */
export function Refusals({ counts }: { counts: Counts }) {
  const rows = Object.entries(counts)
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, shownMax)
    .map(([code, count]) => ({ id: code, name: code, note: messages[code]?.message ?? "", amount: count, text: formatCount(count) }));
  return (
    <Card title="Refusals by code" description="Of the whole network since this page was opened. None of them is charged.">
      {rows.length === 0 ? (
        <p className="text-sm text-faint">Nothing has been refused meanwhile.</p>
      ) : (
        <RankedBars label="Refusals by code" rows={rows} />
      )}
    </Card>
  );
}
