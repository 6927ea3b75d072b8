"use client";
import { TagCapInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { TagCap } from "#trpc/types.ts";
import { TextField } from "#ui/field.tsx";
import { FormDialog } from "#ui/form-dialog.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { LimitFields, limitTexts, readLimits } from "./limit-fields.tsx";

interface TagCapDialogProps {
  /** Null asks for a tag, too. */
  cap: TagCap | null;
  onOpenChange: (open: boolean) => void;
  onSaved: () => Promise<unknown>;
}

const nothing = { usedBytes: 0n, dayUsedBytes: 0n, monthUsedBytes: 0n };
const none = { totalLimitBytes: null, dayLimitBytes: null, monthLimitBytes: null };

/** How much sessions with one tag may carry. */
export function TagCapDialog({ cap, onOpenChange, onSaved }: TagCapDialogProps) {
  const trpc = useTRPC();
  const form = useForm({ tag: "", ...limitTexts(none), ...(cap === null ? {} : { tag: cap.tag, ...limitTexts(cap) }) });
  const save = useMutation(
    trpc.client.tagCaps.set.mutationOptions({
      onSuccess: async () => {
        await onSaved();
        onOpenChange(false);
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(TagCapInput, { tag: form.values.tag, ...readLimits(form.values) });
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <FormDialog
      title={cap === null ? "Cap a tag" : `Caps of ${cap.tag}`}
      description="For all sessions with this tag, whichever proxy user opens them, over all gateways. At least one of the three."
      onOpenChange={onOpenChange}
      onSubmit={send}
      submitLabel="Save caps"
      isBusy={save.isPending}
      failure={save.error === null ? null : readFailure(save.error)}
    >
      {cap === null ? (
        <TextField
          label="Tag"
          hint="What stands behind -tag- in the proxy username."
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          {...form.bind("tag")}
        />
      ) : null}
      <LimitFields bind={form.bind} used={cap ?? nothing} />
    </FormDialog>
  );
}
