"use client";
import { ProxyUserLimitsInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { ProxyUser } from "#trpc/types.ts";
import { FormDialog } from "#ui/form-dialog.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { LimitFields, type LimitTexts, limitTexts, readLimits } from "./limit-fields.tsx";

interface LimitsDialogProps {
  user: ProxyUser;
  onOpenChange: (open: boolean) => void;
  onSaved: () => Promise<unknown>;
}

/** How much a proxy user may carry. */
export function LimitsDialog({ user, onOpenChange, onSaved }: LimitsDialogProps) {
  const trpc = useTRPC();
  const form = useForm<LimitTexts>(limitTexts({ ...user, totalLimitBytes: user.trafficLimitBytes }));
  const save = useMutation(
    trpc.client.proxyUsers.setLimits.mutationOptions({
      onSuccess: async () => {
        await onSaved();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(ProxyUserLimitsInput, { id: user.id, ...readLimits(form.values) });
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title={`Limits of ${user.username}`}
      description="An empty field sets no limit. They hold over all gateways, within seconds, and for open sessions too."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Save limits"
      isBusy={save.isPending}
      failure={save.error === null ? null : readFailure(save.error)}
    >
      <LimitFields bind={form.bind} used={user} />
    </FormDialog>
  );
}
