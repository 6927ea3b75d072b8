import type { Payout } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";

const tones: Readonly<Record<Payout["status"], Tone>> = { requested: "warn", checked: "info", sent: "accent", paid: "good", failed: "bad" };
const methodNames: Readonly<Record<Payout["method"], string>> = { iban: "IBAN", uz_account: "Account in Uzbekistan" };

export const methodChoices = Object.entries(methodNames).map(([value, label]) => ({ value, label }));

/** Where a payout stands, with the bank's reference or why it failed. */
export function PayoutState({ payout }: { payout: Payout }) {
  const note = payout.failure ?? payout.reference;
  return (
    <span className="inline-block max-w-64">
      <Badge tone={tones[payout.status]}>{payout.status}</Badge>
      {note === null ? null : <span className="mt-0.5 block text-xs break-words text-faint">{note}</span>}
    </span>
  );
}

export function PayoutDestination({ payout }: { payout: Payout }) {
  return (
    <span className="inline-block min-w-0">
      <span className="block">{payout.holderName}</span>
      <span className="block font-mono text-xs break-all text-faint" title={methodNames[payout.method]}>
        {payout.destination}
      </span>
    </span>
  );
}
