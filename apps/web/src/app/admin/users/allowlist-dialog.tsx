"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { AdminUser } from "#trpc/types.ts";
import { Notice } from "#ui/notice.tsx";
import { AddressesDialog } from "../../addresses-dialog.tsx";
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
  const revoke = useMutation(trpc.admin.allowlist.revoke.mutationOptions({ onSuccess: onChanged }));
  return (
    <AddressesDialog
      owner={user.email}
      description="Programs at these addresses send no password. Clients list single addresses themselves; blocks are given here."
      warning={
        <Notice tone="warn">Everybody in a block spends this client's balance. Give it only when you know that the block is theirs.</Notice>
      }
      query={allowlist}
      empty="Nothing is listed for this client."
      nameOf={({ proxyUsers }, entry) => proxyUsers.find((one) => one.id === entry.proxyUserId)?.username ?? entry.proxyUserId}
      removal={{
        description: "Programs there are asked for a password within seconds. Connections that are open finish.",
        confirmLabel: "Remove",
        asksReason: true,
        isPending: revoke.isPending,
        failure: revoke.error === null ? null : readFailure(revoke.error),
        reset: revoke.reset,
        remove: ({ id }, reason, onDone) => revoke.mutate({ id, reason }, { onSuccess: onDone }),
      }}
      onOpenChange={onOpenChange}
    >
      {({ proxyUsers }) =>
        proxyUsers.length === 0 ? (
          <Notice>The client has no proxy user yet. A block is given to one.</Notice>
        ) : (
          <GrantBlockForm proxyUsers={proxyUsers} onGranted={onChanged} />
        )
      }
    </AddressesDialog>
  );
}
