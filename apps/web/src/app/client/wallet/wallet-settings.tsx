"use client";
import { microPerUsd } from "@karvon/domain";
import { SetWalletInput } from "@karvon/services/inputs";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import type { Wallet } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { formatFixed } from "#ui/format.ts";
import { Segmented } from "#ui/segmented.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";

const choices = [
  { value: "off", label: "Off" },
  { value: "on", label: "On" },
] as const;

/** Whether the wallet is spent by itself, and how much of it in a month. */
export function WalletSettings({ wallet }: { wallet: Wallet }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [choice, setChoice] = useState<"on" | "off">(wallet.isOn ? "on" : "off");
  const form = useForm({ capUsd: wallet.capMicroUsd === null ? "" : formatFixed(wallet.capMicroUsd, microPerUsd, 2).replaceAll(",", "") });
  const save = useMutation(
    trpc.client.wallet.set.mutationOptions({
      onSuccess: () => queryClient.invalidateQueries(trpc.client.pathFilter()),
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const capUsd = form.values.capUsd.trim();
    const parsed = parseForm(SetWalletInput, { isOn: choice === "on", capUsd: capUsd === "" ? null : capUsd });
    if (parsed.ok) save.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="min-w-0" onSubmit={send}>
      <Card title="Pay as you go" description="Prepaid traffic is always used first.">
        <Segmented label="Pay as you go" value={choice} onValue={setChoice} choices={choices} />
        <TextField
          label="Spend at most, US dollars in a calendar month (optional)"
          className="mt-4"
          inputMode="decimal"
          autoComplete="off"
          hint="Months are UTC. Left empty, all that is in the wallet."
          {...form.bind("capUsd")}
        />
        {save.error === null ? null : <ErrorPanel className="mt-3" failure={readFailure(save.error)} />}
        <Button type="submit" look="primary" className="mt-4" busy={save.isPending}>
          Save
        </Button>
      </Card>
    </Form>
  );
}
