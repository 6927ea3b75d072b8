"use client";
import { PasswordSignInInput } from "@karvon/services/inputs";
import { Button } from "#ui/button.tsx";
import { PasswordField, TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { Notice } from "#ui/notice.tsx";
import { TextLink } from "#ui/text-link.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";
import { useSignIn } from "../use-sign-in.ts";

interface SignInFormProps {
  next: string | null;
  email: string;
  hasConfirmed: boolean;
  hasEnded: boolean;
}

export function SignInForm({ next, email, hasConfirmed, hasEnded }: SignInFormProps) {
  const form = useForm({ email, password: "" });
  const { busy, failure, submit } = useSignIn("password", next);
  const send = () => {
    const parsed = parseForm(PasswordSignInInput, form.values);
    if (parsed.ok) void submit(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="space-y-4" onSubmit={send}>
      {hasConfirmed ? <Notice tone="good">Your e-mail address is confirmed. Sign in to go on.</Notice> : null}
      {hasEnded && failure === null ? <Notice>Your sign-in has ended. Sign in again to go on.</Notice> : null}
      <TextField label="E-mail" type="email" autoComplete="username" autoFocus={email === ""} {...form.bind("email")} />
      <PasswordField label="Password" autoComplete="current-password" autoFocus={email !== ""} {...form.bind("password")} />
      {failure === null ? null : (
        <Notice tone="bad">
          {failure.sentence}{" "}
          {failure.code === "EMAIL_NOT_CONFIRMED" ? (
            <TextLink href={`/confirm?email=${encodeURIComponent(form.values.email)}`}>Enter the code</TextLink>
          ) : null}
        </Notice>
      )}
      <Button type="submit" look="primary" className="w-full" busy={busy}>
        Sign in
      </Button>
    </Form>
  );
}
