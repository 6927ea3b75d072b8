"use client";
import { ProxyUserRulesInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { ProxyUser } from "#trpc/types.ts";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { parseForm, splitWords, useForm } from "#ui/use-form.ts";

interface RulesDialogProps {
  user: ProxyUser;
  onOpenChange: (open: boolean) => void;
  onSaved: () => Promise<unknown>;
}

/** From where a proxy user may be used, and to which hosts. */
export function RulesDialog({ user, onOpenChange, onSaved }: RulesDialogProps) {
  const trpc = useTRPC();
  const form = useForm({ allowedSources: user.allowedSources.join(" "), allowedHosts: user.allowedHosts.join(" ") });
  const save = useMutation(
    trpc.client.proxyUsers.setRules.mutationOptions({
      onSuccess: async () => {
        await onSaved();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const { allowedSources, allowedHosts } = form.values;
    const rules = { id: user.id, allowedSources: splitWords(allowedSources), allowedHosts: splitWords(allowedHosts) };
    const parsed = parseForm(ProxyUserRulesInput, rules);
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title={`Rules of ${user.username}`}
      description="An empty field sets no rule. They hold at once: open sessions that they forbid are closed."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Save rules"
      isBusy={save.isPending}
      failure={save.error === null ? null : readFailure(save.error)}
    >
      <TextField
        label="Only from these addresses"
        hint="Addresses or blocks such as 192.0.2.0/24, with blanks between."
        autoComplete="off"
        spellCheck={false}
        {...form.bind("allowedSources")}
      />
      <TextField
        label="Only to these hosts"
        hint="Names such as example.com, which stands for everything below it too, or addresses and blocks."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...form.bind("allowedHosts")}
      />
    </FormDialog>
  );
}
