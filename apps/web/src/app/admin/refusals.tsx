import { PROXY_ERRORS } from "@karvon/domain";
import type { Tick } from "#trpc/types.ts";
import { Card } from "#ui/card.tsx";
import { RankedBars } from "#ui/charts/ranked-bars.tsx";
import { formatCount } from "#ui/format.ts";

const messages: Readonly<Record<string, { message: string }>> = PROXY_ERRORS;
const shownMax = 12;

/** Why requests were not carried, most frequent first, since the gateways started. */
export function Refusals({ tick }: { tick: Tick | null }) {
  const rows = Object.entries(tick?.refusals ?? {})
    .filter(([, count]) => count > 0)
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, shownMax)
    .map(([code, count]) => ({ id: code, name: code, note: messages[code]?.message ?? "", amount: count, text: formatCount(count) }));
  return (
    <Card title="Refusals by code" description="Since the gateways started. None of these is charged.">
      {rows.length === 0 ? (
        <p className="text-sm text-faint">Nothing has been refused.</p>
      ) : (
        <RankedBars label="Refusals by code" rows={rows} />
      )}
    </Card>
  );
}
