"use client";
import { CreateAllowlistEntryInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { Allowlist } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";

interface AllowlistFormProps {
  proxyUserId: string;
  allowlist: Allowlist;
  onAdded: () => Promise<unknown>;
}

/** Lists one more address: this browser's, or one from which a program has logged in. */
export function AllowlistForm({ proxyUserId, allowlist, onAdded }: AllowlistFormProps) {
  const trpc = useTRPC();
  const isListed = (address: string) => allowlist.entries.some((entry) => entry.block === address);
  const here = allowlist.here?.isPublic === true && !isListed(allowlist.here.address) ? allowlist.here.address : null;
  const form = useForm({ address: here ?? "", defaultParameters: "" });
  const add = useMutation(
    trpc.client.allowlist.create.mutationOptions({
      onSuccess: async () => {
        form.set("address", "");
        form.set("defaultParameters", "");
        await onAdded();
      },
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const parsed = parseForm(CreateAllowlistEntryInput, { proxyUserId, ...form.values });
    if (parsed.ok) add.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  const shown = allowlist.shown.filter((address) => !isListed(address) && address !== allowlist.here?.address);
  const suggested = [...(here === null ? [] : [here]), ...shown];
  return (
    <Form className="space-y-4" onSubmit={send}>
      <div>
        <TextField
          label="Address"
          hint={<AddressHint here={allowlist.here} />}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          {...form.bind("address")}
        />
        <Suggestions addresses={suggested} here={here} onPick={(address) => form.set("address", address)} />
      </div>
      <TextField
        label="Default parameters (optional)"
        hint="As after the user in a username, for example country-de-session-shop1. Programs without a password cannot send others."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...form.bind("defaultParameters")}
      />
      {add.error === null || hasFields(add.error) ? null : <ErrorPanel failure={readFailure(add.error)} />}
      <div className="flex justify-end">
        <Button type="submit" look="primary" busy={add.isPending}>
          Add address
        </Button>
      </div>
    </Form>
  );
}

/** What is wrong with a field stands under it already. */
function hasFields(error: unknown): boolean {
  return Object.keys(readFailure(error).fields).length > 0;
}

function AddressHint({ here }: { here: Allowlist["here"] }): ReactNode {
  const rule =
    "Yours when you open this page from there, or when a program of yours logged in from there with a password in the last 24 hours.";
  if (here === null || here.isPublic) return rule;
  return `${rule} You are seen at ${here.address}, which is no public address.`;
}

interface SuggestionsProps {
  addresses: readonly string[];
  here: string | null;
  onPick: (address: string) => void;
}

function Suggestions({ addresses, here, onPick }: SuggestionsProps) {
  if (addresses.length === 0) return null;
  return (
    <div className="mt-2 flex flex-wrap gap-2" role="group" aria-label="Addresses that you have shown to be yours">
      {addresses.map((address) => (
        <Button key={address} size="sm" onClick={() => onPick(address)}>
          <span className="font-mono text-xs">{address}</span>
          {address === here ? <span className="text-faint">this browser</span> : null}
        </Button>
      ))}
    </div>
  );
}
