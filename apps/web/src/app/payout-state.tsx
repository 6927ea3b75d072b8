import type { Payout } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";

const tones: Readonly<Record<Payout["status"], Tone>> = { requested: "warn", checked: "info", sent: "accent", paid: "good", failed: "bad" };
const methodNames: Readonly<Record<Payout["method"], string>> = { iban: "IBAN", uz_account: "Account in Uzbekistan" };

export const methodChoices = Object.entries(methodNames).map(([value, label]) => ({ value, label }));

const waitsFor: Readonly<Partial<Record<Payout["status"], string>>> = {
  requested: "Waits to be checked.",
  checked: "Waits for a second person to send it.",
  sent: "Given to the bank; not confirmed yet.",
};

/** Where a payout stands: what it waits for, the bank's reference, or why it failed. */
export function PayoutState({ payout }: { payout: Payout }) {
  const note = payout.failure ?? payout.reference ?? waitsFor[payout.status];
  return (
    <span className="inline-block max-w-64">
      <Badge tone={tones[payout.status]}>{payout.status}</Badge>
      {note === undefined ? null : <span className="mt-0.5 block text-xs break-words text-faint">{note}</span>}
    </span>
  );
}

export function PayoutDestination({ payout }: { payout: Payout }) {
  return (
    <span className="inline-block min-w-0">
      <span className="block">{payout.holderName}</span>
      <span className="block font-mono text-xs break-words text-faint" title={methodNames[payout.method]}>
        <BankAccount payout={payout} />
      </span>
    </span>
  );
}

/** An IBAN in groups of four, as banks write it; an account and its bank, which part at the slash when they must. */
export function BankAccount({ payout }: { payout: Payout }) {
  if (payout.method === "iban") return payout.destination.replaceAll(/.{4}(?=.)/g, "$& ");
  const [account, bank] = payout.destination.split("/");
  return (
    <>
      {account}/<wbr />
      {bank}
    </>
  );
}
