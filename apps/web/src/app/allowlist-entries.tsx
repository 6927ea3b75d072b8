"use client";
import { Button } from "#ui/button.tsx";
import { Moment } from "#ui/time-cells.tsx";

export interface AllowlistEntry {
  readonly id: string;
  readonly block: string;
  readonly defaultParameters: string;
  readonly createdAt: Date;
}

interface AllowlistEntriesProps<Entry extends AllowlistEntry> {
  entries: readonly Entry[];
  /** What stands there when nothing is listed. */
  empty: string;
  /** Whose it is, where several proxy users are shown. */
  nameOf?: (entry: Entry) => string;
  onRemove: (entry: Entry) => void;
}

/** Addresses without a password, each with what it brings and a way out. */
export function AllowlistEntries<Entry extends AllowlistEntry>({ entries, empty, nameOf, onRemove }: AllowlistEntriesProps<Entry>) {
  if (entries.length === 0) return <p className="rounded-md border border-dashed px-3.5 py-3 text-sm text-soft">{empty}</p>;
  return (
    <ul aria-label="Addresses without a password" className="max-h-40 divide-y overflow-y-auto sm:max-h-56 rounded-md border">
      {entries.map((entry) => (
        <li key={entry.id} className="flex items-center justify-between gap-3 px-3.5 py-2">
          <span className="min-w-0">
            <span className="block font-mono text-sm break-all">{entry.block}</span>
            <span className="block text-xs break-words text-faint">
              {nameOf === undefined ? null : <span className="font-medium text-soft">{nameOf(entry)} · </span>}
              {entry.defaultParameters === "" ? (
                "no parameters"
              ) : (
                <span className="font-mono">{entry.defaultParameters.slice(1)}</span>
              )} ·{" "}
              <Moment at={entry.createdAt} />
            </span>
          </span>
          <Button size="sm" look="danger" onClick={() => onRemove(entry)} aria-label={`Remove ${entry.block}`}>
            Remove
          </Button>
        </li>
      ))}
    </ul>
  );
}
