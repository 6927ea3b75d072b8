"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Allowlist, ProxyUser } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { Dialog } from "#ui/dialog.tsx";
import { Notice } from "#ui/notice.tsx";
import { AllowlistEntries } from "../../allowlist-entries.tsx";
import { AllowlistForm } from "./allowlist-form.tsx";

interface AllowlistDialogProps {
  user: ProxyUser;
  onOpenChange: (open: boolean) => void;
  onChanged: () => Promise<unknown>;
}

/** The addresses from which a proxy user needs no password. */
export function AllowlistDialog({ user, onOpenChange, onChanged }: AllowlistDialogProps) {
  const trpc = useTRPC();
  const allowlist = useQuery(trpc.client.allowlist.list.queryOptions({ id: user.id }));
  const [leaving, setLeaving] = useState<Allowlist["entries"][number] | null>(null);
  const remove = useMutation(
    trpc.client.allowlist.delete.mutationOptions({
      onSuccess: async () => {
        await onChanged();
        setLeaving(null);
      },
    }),
  );
  return (
    <Dialog
      open
      onOpenChange={onOpenChange}
      title={`Addresses of ${user.username}`}
      description="Programs at these addresses send no password. Changes reach the gateways within seconds."
    >
      <div className="mt-4 space-y-4">
        <Notice tone="warn" title="Everybody behind a listed address spends your balance">
          In an office, a home or a mobile network many people share one. List only what is yours alone.
        </Notice>
        <Loaded query={allowlist}>
          {(data) => (
            <>
              <AllowlistEntries
                entries={data.entries}
                empty="Nothing is listed: a password is always asked for."
                onRemove={(entry) => {
                  remove.reset();
                  setLeaving(entry);
                }}
              />
              <AllowlistForm proxyUserId={user.id} allowlist={data} onAdded={onChanged} />
            </>
          )}
        </Loaded>
        <div className="flex justify-end border-t pt-4">
          <Button onClick={() => onOpenChange(false)}>Done</Button>
        </div>
      </div>
      {leaving === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={`Remove ${leaving.block}?`}
          description={`Programs there are asked for a password again. Connections that are open finish; disable ${user.username} to end them at once.`}
          confirmLabel="Remove address"
          isDanger
          busy={remove.isPending}
          failure={remove.error === null ? null : readFailure(remove.error)}
          onConfirm={() => remove.mutate({ id: leaving.id })}
        />
      )}
    </Dialog>
  );
}
