"use client";
import { Badge } from "#ui/badge.tsx";
import { None } from "#ui/cells.tsx";
import { Segmented } from "#ui/segmented.tsx";

/** Why a session ended, or that it is open. */
export function SessionState({ closedAt, closeReason }: { closedAt: Date | null; closeReason: string | null }) {
  if (closedAt === null) {
    return (
      <Badge tone="good" dot>
        open
      </Badge>
    );
  }
  return closeReason === null ? <None /> : <Badge>{closeReason.replaceAll("_", " ")}</Badge>;
}

export type StatusFilter = "all" | "open" | "closed";

export function StatusFilterBar({ value, onValue }: { value: StatusFilter; onValue: (value: StatusFilter) => void }) {
  return (
    <Segmented
      label="Which sessions"
      value={value}
      onValue={onValue}
      choices={[
        { value: "all", label: "All" },
        { value: "open", label: "Open" },
        { value: "closed", label: "Closed" },
      ]}
    />
  );
}
