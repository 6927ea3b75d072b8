"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { ProxyUser } from "#trpc/types.ts";
import { Notice } from "#ui/notice.tsx";
import { AddressesDialog } from "../../addresses-dialog.tsx";
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
  const remove = useMutation(trpc.client.allowlist.delete.mutationOptions({ onSuccess: onChanged }));
  return (
    <AddressesDialog
      owner={user.username}
      description="Programs at these addresses send no password. Changes reach the gateways within seconds."
      warning={
        <Notice tone="warn" title="Everybody behind a listed address spends your balance">
          In an office, a home or a mobile network many people share one. List only what is yours alone.
        </Notice>
      }
      query={allowlist}
      empty="Nothing is listed: a password is always asked for."
      removal={{
        description: `Programs there are asked for a password again. Connections that are open finish; disable ${user.username} to end them at once.`,
        confirmLabel: "Remove address",
        isPending: remove.isPending,
        failure: remove.error === null ? null : readFailure(remove.error),
        reset: remove.reset,
        remove: ({ id }, _reason, onDone) => remove.mutate({ id }, { onSuccess: onDone }),
      }}
      onOpenChange={onOpenChange}
    >
      {(data) => <AllowlistForm proxyUserId={user.id} allowlist={data} onAdded={onChanged} />}
    </AddressesDialog>
  );
}
