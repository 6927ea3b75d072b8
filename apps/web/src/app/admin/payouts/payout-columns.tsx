import type { AdminPayout } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Usd } from "#ui/cells.tsx";
import type { Column } from "#ui/data-table.tsx";
import { formatUsd } from "#ui/format.ts";
import { ShortId } from "#ui/short-id.tsx";
import { Moment } from "#ui/time-cells.tsx";
import { PayoutDestination, PayoutState } from "../../payout-state.tsx";
import type { AskedStep, PayoutStep } from "./step-dialog.tsx";

interface Choosing {
  chosen: ReadonlySet<string>;
  /** The state in which several are chosen for their next step; null where nothing is done to several at once. */
  choosable: AdminPayout["status"] | null;
  onToggle: (id: string) => void;
  onAsk: (asked: AskedStep) => void;
}

export function payoutColumns({ chosen, choosable, onToggle, onAsk }: Choosing): Column<AdminPayout>[] {
  const choice: Column<AdminPayout> = {
    name: "Chosen",
    // Rows of the view before stay until the next ones are there.
    cell: (payout) =>
      payout.status === choosable ? (
        <input
          type="checkbox"
          className="size-4 accent-accent"
          aria-label={`Choose ${describe(payout)}`}
          checked={chosen.has(payout.id)}
          disabled={payout.status === "checked" && payout.isCheckedByMe}
          onChange={() => onToggle(payout.id)}
        />
      ) : null,
  };
  return [
    ...(choosable === null ? [] : [choice]),
    { name: "Operator", role: "lead", cell: (payout) => <span className="font-medium break-words">{payout.operatorEmail}</span> },
    { name: "Amount", align: "right", cell: (payout) => <Usd amount={payout.amountMicroUsd} /> },
    { name: "To", cell: (payout) => <PayoutDestination payout={payout} /> },
    { name: "State", cell: (payout) => <PayoutState payout={payout} /> },
    { name: "Asked for", from: "xl", cell: (payout) => <Moment at={payout.createdAt} withYear /> },
    { name: "Signed by", from: "lg", cell: (payout) => <Signatures payout={payout} /> },
    { name: "Payout id", align: "right", from: "2xl", cell: (payout) => <ShortId name="payout id" id={payout.id} /> },
    { name: "Actions", role: "actions", align: "right", cell: (payout) => <Steps payout={payout} onAsk={onAsk} /> },
  ];
}

const describe = (payout: AdminPayout): string => `${formatUsd(payout.amountMicroUsd)} of ${payout.operatorEmail}`;

function Signatures({ payout }: { payout: AdminPayout }) {
  const lines = [
    ["checked", payout.checkedByEmail],
    ["sent", payout.sentByEmail],
    [payout.status, payout.settledByEmail],
  ].filter(([, email]) => email !== null);
  if (lines.length === 0) return <span className="text-faint">nobody yet</span>;
  return (
    <span className="block text-xs text-soft">
      {lines.map(([step, email]) => (
        <span key={step} className="block break-words">
          {step}: {email}
        </span>
      ))}
    </span>
  );
}

const nextStep: Readonly<Partial<Record<AdminPayout["status"], { step: PayoutStep; word: string }>>> = {
  requested: { step: "check", word: "Check" },
  checked: { step: "send", word: "Send" },
  sent: { step: "confirm", word: "Mark paid" },
};

function Steps({ payout, onAsk }: { payout: AdminPayout; onAsk: (asked: AskedStep) => void }) {
  const next = nextStep[payout.status];
  if (next === undefined) return null;
  const needsAnother = next.step === "send" && payout.isCheckedByMe;
  return (
    <span className="inline-flex flex-wrap justify-end gap-2">
      {needsAnother ? (
        <span className="self-center text-xs text-faint">another admin sends it</span>
      ) : (
        <Button size="sm" onClick={() => onAsk({ step: next.step, payouts: [payout] })} aria-label={`${next.word} ${describe(payout)}`}>
          {next.word}
        </Button>
      )}
      <Button size="sm" look="danger" onClick={() => onAsk({ step: "fail", payouts: [payout] })} aria-label={`Fail ${describe(payout)}`}>
        Fail
      </Button>
    </span>
  );
}
