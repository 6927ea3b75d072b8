"use client";
import { type ReactNode, useState } from "react";
import type { Failure } from "#trpc/failure.ts";
import { Loaded, type Query } from "#trpc/loaded.tsx";
import { Button } from "#ui/button.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { Dialog } from "#ui/dialog.tsx";
import { AllowlistEntries, type AllowlistEntry } from "./allowlist-entries.tsx";

interface Allowlist {
  readonly entries: readonly AllowlistEntry[];
}

interface AddressesDialogProps<Data extends Allowlist> {
  /** Whose addresses they are. */
  owner: string;
  description: string;
  warning: ReactNode;
  query: Query<Data>;
  /** What stands there when nothing is listed. */
  empty: string;
  nameOf?: (data: Data, entry: Data["entries"][number]) => string;
  /** What lists one more. */
  children: (data: Data) => ReactNode;
  removal: {
    readonly description: string;
    readonly confirmLabel: string;
    readonly asksReason?: boolean;
    readonly isPending: boolean;
    readonly failure: Failure | null;
    readonly reset: () => void;
    /** `onDone` is called when it is removed. */
    readonly remove: (entry: Data["entries"][number], reason: string, onDone: () => void) => void;
  };
  onOpenChange: (open: boolean) => void;
}

/** Addresses without a password, as clients and staff see them: the list, what lists one more, and the question before one goes. */
export function AddressesDialog<Data extends Allowlist>(props: AddressesDialogProps<Data>) {
  type Entry = Data["entries"][number];
  const { owner, description, warning, query, empty, nameOf, children, removal, onOpenChange } = props;
  const [leaving, setLeaving] = useState<Entry | null>(null);
  return (
    <Dialog open onOpenChange={onOpenChange} title={`Addresses of ${owner}`} description={description}>
      <div className="mt-4 space-y-4">
        {warning}
        <Loaded query={query}>
          {(data) => (
            <>
              <AllowlistEntries<Entry>
                entries={data.entries}
                empty={empty}
                {...(nameOf === undefined ? {} : { nameOf: (entry: Entry) => nameOf(data, entry) })}
                onRemove={(entry) => {
                  removal.reset();
                  setLeaving(entry);
                }}
              />
              {children(data)}
            </>
          )}
        </Loaded>
        <div className="flex justify-end border-t pt-4 max-sm:hidden">
          <Button onClick={() => onOpenChange(false)}>Done</Button>
        </div>
      </div>
      {leaving === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={`Remove ${leaving.block}?`}
          description={removal.description}
          confirmLabel={removal.confirmLabel}
          isDanger
          {...(removal.asksReason === true ? { reason: "required" as const } : {})}
          busy={removal.isPending}
          failure={removal.failure}
          onConfirm={(reason) => removal.remove(leaving, reason, () => setLeaving(null))}
        />
      )}
    </Dialog>
  );
}
