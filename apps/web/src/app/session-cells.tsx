"use client";
import { ArrowLeftRight } from "lucide-react";
import type { ReactNode } from "react";
import { Badge } from "#ui/badge.tsx";
import { None } from "#ui/cells.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
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

/** `children` tell how the first one comes to be, to somebody who has not hidden any. */
export function NoSession({ isFiltered, action, children }: { isFiltered: boolean; action?: ReactNode; children: ReactNode }) {
  if (isFiltered) {
    return (
      <EmptyState icon={ArrowLeftRight} title="No session matches">
        Change the filters to see others.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={ArrowLeftRight} title="No session yet" action={action}>
      {children}
    </EmptyState>
  );
}
