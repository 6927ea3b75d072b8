"use client";
import { ClientTermsInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { AdminUser } from "#trpc/types.ts";
import { SelectField, TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { parseForm, splitWords, useForm } from "#ui/use-form.ts";

interface TermsDialogProps {
  user: AdminUser;
  onOpenChange: (open: boolean) => void;
  onSaved: () => Promise<unknown>;
}

const kycChoices = [
  { value: "not_asked", label: "Not asked for" },
  { value: "required", label: "Required: nothing is carried until then" },
  { value: "verified", label: "Verified" },
];

/** Whether a client must be verified, and through which countries it may go. */
export function TermsDialog({ user, onOpenChange, onSaved }: TermsDialogProps) {
  const trpc = useTRPC();
  const form = useForm({ kyc: user.terms?.kyc ?? "not_asked", countries: (user.terms?.countries ?? []).join(" "), reason: "" });
  const save = useMutation(
    trpc.admin.setClientTerms.mutationOptions({
      onSuccess: async () => {
        await onSaved();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const { kyc, countries, reason } = form.values;
    const parsed = parseForm(ClientTermsInput, { id: user.id, kyc, countries: splitWords(countries), reason });
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title={`Terms of ${user.email}`}
      description="Gateways obey at once. Open sessions of a client that must be verified end."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Save terms"
      isBusy={save.isPending}
      failure={save.error === null ? null : readFailure(save.error)}
    >
      <SelectField label="Verification" choices={kycChoices} {...form.bind("kyc")} />
      <TextField
        label="Countries"
        hint="Two letters each, with blanks between: exits are in these only. Left empty, all are offered."
        autoComplete="off"
        spellCheck={false}
        {...form.bind("countries")}
      />
      <TextField label="Reason" hint="Written to the audit log." autoComplete="off" {...form.bind("reason")} />
    </FormDialog>
  );
}
