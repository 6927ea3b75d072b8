import type { Correction } from "#trpc/types.ts";
import { Badge, type Tone } from "#ui/badge.tsx";
import { Button } from "#ui/button.tsx";
import type { Column } from "#ui/data-table.tsx";
import { formatLedgerAmount } from "#ui/format.ts";
import { Moment } from "#ui/time-cells.tsx";

const tones: Readonly<Record<Correction["status"], Tone>> = { proposed: "warn", posted: "good", rejected: "bad" };

/** One text for each asset that moves. */
export function amountsOf({ bytes, microUsd }: Correction): string[] {
  const amounts = [
    ["BYTE", bytes],
    ["USD6", microUsd],
  ] as const;
  return amounts.filter(([, amount]) => amount !== 0n).map(([asset, amount]) => formatLedgerAmount(asset, amount));
}

const noteOf = (row: Correction): string | null => (row.status === "proposed" ? "Nothing is posted yet." : row.rejection);

export function correctionColumns(onAsk: (step: "approve" | "reject", correction: Correction) => void): Column<Correction>[] {
  return [
    {
      name: "Account",
      role: "lead",
      cell: (row) => (
        <span className="inline-block min-w-0">
          <span className="block font-medium break-words">{row.ownerEmail}</span>
          <span className="block text-xs text-faint">
            {row.kind === "promotion" ? "promotional credit" : `correction of ${row.side === "client" ? "a client" : "an operator"}`}
          </span>
        </span>
      ),
    },
    {
      name: "Amount",
      align: "right",
      cell: (row) => (
        <span className="inline-block font-mono text-xs">
          {amountsOf(row).map((text) => (
            <span key={text} className="block whitespace-nowrap">
              {text}
            </span>
          ))}
        </span>
      ),
    },
    {
      name: "Reason",
      role: "wide",
      cell: (row) => <span className="inline-block max-w-72 text-sm break-words text-soft">{row.reason}</span>,
    },
    {
      name: "State",
      cell: (row) => (
        <span className="inline-block max-w-56">
          <Badge tone={tones[row.status]}>{row.status}</Badge>
          {noteOf(row) === null ? null : <span className="mt-0.5 block text-xs break-words text-faint">{noteOf(row)}</span>}
        </span>
      ),
    },
    {
      name: "Signed by",
      from: "lg",
      cell: (row) => (
        <span className="block text-xs text-soft">
          <span className="block break-words">proposed: {row.proposedByEmail}</span>
          {row.decidedByEmail === null ? null : (
            <span className="block break-words">
              {row.status}: {row.decidedByEmail}
            </span>
          )}
        </span>
      ),
    },
    { name: "At", from: "xl", cell: (row) => <Moment at={row.createdAt} withYear /> },
    { name: "Actions", role: "actions", align: "right", cell: (row) => <Steps row={row} onAsk={onAsk} /> },
  ];
}

function Steps({ row, onAsk }: { row: Correction; onAsk: (step: "approve" | "reject", correction: Correction) => void }) {
  if (row.status !== "proposed") return null;
  return (
    <span className="inline-flex flex-wrap justify-end gap-2">
      {row.isProposedByMe ? (
        <span className="self-center text-xs text-faint">another admin approves it</span>
      ) : (
        <Button size="sm" onClick={() => onAsk("approve", row)} aria-label={`Approve the correction of ${row.ownerEmail}`}>
          Approve
        </Button>
      )}
      <Button size="sm" look="danger" onClick={() => onAsk("reject", row)} aria-label={`Reject the correction of ${row.ownerEmail}`}>
        Reject
      </Button>
    </span>
  );
}
