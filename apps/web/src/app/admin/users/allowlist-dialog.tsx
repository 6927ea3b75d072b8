"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { AdminUser, ClientAllowlist } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { ConfirmDialog } from "#ui/confirm-dialog.tsx";
import { Dialog } from "#ui/dialog.tsx";
import { Notice } from "#ui/notice.tsx";
import { AllowlistEntries } from "../../allowlist-entries.tsx";
import { GrantBlockForm } from "./grant-block-form.tsx";

interface AllowlistDialogProps {
  user: AdminUser;
  onOpenChange: (open: boolean) => void;
  onChanged: () => Promise<unknown>;
}

/** The addresses from which a client's proxy users need no password, and blocks that only staff can give. */
export function AllowlistDialog({ user, onOpenChange, onChanged }: AllowlistDialogProps) {
  const trpc = useTRPC();
  const allowlist = useQuery(trpc.admin.allowlist.list.queryOptions({ userId: user.id }));
  const [leaving, setLeaving] = useState<ClientAllowlist["entries"][number] | null>(null);
  const revoke = useMutation(
    trpc.admin.allowlist.revoke.mutationOptions({
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
      title={`Addresses of ${user.email}`}
      description="Programs at these addresses send no password. Clients list single addresses themselves; blocks are given here."
    >
      <div className="mt-4 space-y-4">
        <Notice tone="warn">Everybody in a block spends this client's balance. Give it only when you know that the block is theirs.</Notice>
        <Loaded query={allowlist}>
          {({ entries, proxyUsers }) => (
            <>
              <AllowlistEntries
                entries={entries}
                empty="Nothing is listed for this client."
                nameOf={(entry) => proxyUsers.find((one) => one.id === entry.proxyUserId)?.username ?? entry.proxyUserId}
                onRemove={(entry) => {
                  revoke.reset();
                  setLeaving(entry);
                }}
              />
              {proxyUsers.length === 0 ? (
                <Notice>The client has no proxy user yet. A block is given to one.</Notice>
              ) : (
                <GrantBlockForm proxyUsers={proxyUsers} onGranted={onChanged} />
              )}
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
          description="Programs there are asked for a password within seconds. Connections that are open finish."
          confirmLabel="Remove"
          isDanger
          reason="required"
          busy={revoke.isPending}
          failure={revoke.error === null ? null : readFailure(revoke.error)}
          onConfirm={(reason) => revoke.mutate({ id: leaving.id, reason })}
        />
      )}
    </Dialog>
  );
}
