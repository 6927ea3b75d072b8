"use client";
import { GrantAllowlistBlockInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { ClientAllowlist } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";

interface GrantBlockFormProps {
  proxyUsers: ClientAllowlist["proxyUsers"];
  onGranted: () => Promise<unknown>;
}

export function GrantBlockForm({ proxyUsers, onGranted }: GrantBlockFormProps) {
  const trpc = useTRPC();
  const form = useForm({ proxyUserId: proxyUsers[0]?.id ?? "", block: "", defaultParameters: "", reason: "" });
  const grant = useMutation(
    trpc.admin.allowlist.grant.mutationOptions({
      onSuccess: async () => {
        for (const name of ["block", "defaultParameters", "reason"] as const) form.set(name, "");
        await onGranted();
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(GrantAllowlistBlockInput, form.values);
    if (parsed.ok) grant.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="space-y-4" onSubmit={send}>
      <SelectField
        label="Proxy user"
        choices={proxyUsers.map((one) => ({ value: one.id, label: one.username }))}
        {...form.bind("proxyUserId")}
      />
      <TextField
        label="Address or block"
        hint="At most a /24, or a /48 of IPv6. Private and reserved ranges are refused."
        autoComplete="off"
        spellCheck={false}
        {...form.bind("block")}
      />
      <TextField
        label="Default parameters (optional)"
        hint="As after the user in a username, for example country-de-session-shop1."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...form.bind("defaultParameters")}
      />
      <TextField label="Reason" hint="Written to the audit log." autoComplete="off" {...form.bind("reason")} />
      {grant.error === null || Object.keys(readFailure(grant.error).fields).length > 0 ? null : (
        <ErrorPanel failure={readFailure(grant.error)} />
      )}
      <div className="flex justify-end">
        <Button type="submit" look="primary" busy={grant.isPending}>
          Give block
        </Button>
      </div>
    </Form>
  );
}
