"use client";
import { AdminCodeSignInInput, EmailInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { Notice } from "#ui/notice.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { useSignIn } from "../../use-sign-in.ts";

/** Two steps on one page: ask for the code, then enter it. */
export function AdminSignInForm({ next }: { next: string | null }) {
  const trpc = useTRPC();
  const form = useForm({ email: "", code: "" });
  const { busy, failure, submit } = useSignIn("admin-code", next);
  const [isAsked, setAsked] = useState(false);
  const request = useMutation(
    trpc.auth.requestAdminCode.mutationOptions({
      onSuccess: () => setAsked(true),
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );

  const ask = () => {
    const parsed = parseForm(EmailInput, { email: form.values.email });
    if (parsed.ok) request.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  const send = () => {
    const parsed = parseForm(AdminCodeSignInInput, form.values);
    if (parsed.ok) void submit(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="space-y-4" onSubmit={isAsked ? send : ask}>
      <TextField label="E-mail" type="email" autoComplete="username" autoFocus readOnly={isAsked} {...form.bind("email")} />
      {isAsked ? (
        <>
          <Notice>If this is an administrator's address, a code is on its way.</Notice>
          <TextField
            label="Code"
            inputMode="numeric"
            autoComplete="one-time-code"
            autoFocus
            placeholder="12345678"
            {...form.bind("code")}
          />
        </>
      ) : null}
      {request.error === null ? null : <ErrorPanel failure={readFailure(request.error)} />}
      {failure === null ? null : <Notice tone="bad">{failure.sentence}</Notice>}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" className="flex-1" busy={busy || request.isPending}>
          {isAsked ? "Sign in" : "Send code"}
        </Button>
        {isAsked ? (
          <Button busy={request.isPending} onClick={ask}>
            Send a new code
          </Button>
        ) : null}
      </div>
    </Form>
  );
}
