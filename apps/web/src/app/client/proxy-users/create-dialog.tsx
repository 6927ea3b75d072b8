"use client";
import { CreateProxyUserInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import type { ShownSecret } from "./secret-dialog.tsx";

interface CreateDialogProps {
  onOpenChange: (open: boolean) => void;
  onCreated: (secret: ShownSecret) => Promise<unknown>;
}

export function CreateDialog({ onOpenChange, onCreated }: CreateDialogProps) {
  const trpc = useTRPC();
  const form = useForm({ username: "", label: "", trafficLimitGb: "" });
  const create = useMutation(
    trpc.client.proxyUsers.create.mutationOptions({
      onSuccess: onCreated,
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const { username, label, trafficLimitGb } = form.values;
    const parsed = parseForm(CreateProxyUserInput, {
      ...(username.trim() === "" ? {} : { username }),
      ...(label.trim() === "" ? {} : { label }),
      ...(trafficLimitGb.trim() === "" ? {} : { trafficLimitGb: Number(trafficLimitGb) }),
    });
    if (parsed.ok) create.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title="Create proxy user"
      description="All fields may stay empty."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Create"
      isBusy={create.isPending}
      failure={create.error === null ? null : readFailure(create.error)}
    >
      <TextField
        label="Username"
        hint="4 to 32 of a–z and 0–9. Left empty, we make one."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        {...form.bind("username")}
      />
      <TextField label="Label" hint="A note for yourself." autoComplete="off" {...form.bind("label")} />
      <TextField
        label="Traffic limit, GB"
        hint="Left empty, it may use the whole balance. Traffic stops at the limit's last byte; open sessions end within 2 seconds."
        inputMode="numeric"
        autoComplete="off"
        {...form.bind("trafficLimitGb")}
      />
    </FormDialog>
  );
}
