"use client";
import { ConfirmEmailInput, EmailInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { Notice } from "#ui/notice.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";

export function ConfirmForm({ email, code }: { email: string; code: string }) {
  const trpc = useTRPC();
  const router = useRouter();
  const form = useForm({ email, code });
  const confirm = useMutation(
    trpc.auth.confirmEmail.mutationOptions({
      onSuccess: (confirmed) => router.push(`/sign-in?confirmed=1&email=${encodeURIComponent(confirmed.email)}`),
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const resend = useMutation(trpc.auth.resendConfirmation.mutationOptions());
  const send = () => {
    const parsed = parseForm(ConfirmEmailInput, form.values);
    if (parsed.ok) confirm.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  const sendAgain = () => {
    const parsed = parseForm(EmailInput, { email: form.values.email });
    if (parsed.ok) resend.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="space-y-4" onSubmit={send}>
      <TextField label="E-mail" type="email" autoComplete="username" {...form.bind("email")} />
      <TextField label="Code" inputMode="numeric" autoComplete="one-time-code" autoFocus placeholder="12345678" {...form.bind("code")} />
      {confirm.error === null ? null : <ErrorPanel failure={readFailure(confirm.error)} />}
      {resend.error === null ? null : <ErrorPanel failure={readFailure(resend.error)} />}
      {resend.isSuccess ? <Notice tone="good">If this address still waits to be confirmed, a new code is on its way.</Notice> : null}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" className="flex-1" busy={confirm.isPending}>
          Confirm e-mail
        </Button>
        <Button busy={resend.isPending} onClick={sendAgain}>
          Send a new code
        </Button>
      </div>
    </Form>
  );
}
