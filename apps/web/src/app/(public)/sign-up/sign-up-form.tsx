"use client";
import { SignUpInput } from "@karvon/services/inputs";
import { useMutation } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { RadioGroup } from "radix-ui";
import { readFailure } from "#trpc/failure.ts";
import { useTRPC } from "#trpc/client.tsx";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { PasswordField, TextField } from "#ui/field.tsx";
import { Form } from "#ui/form.tsx";
import { parseForm, useForm } from "#ui/use-form.ts";

const roles = [
  { value: "client", name: "Client", text: "Buy traffic and use the proxy endpoint." },
  { value: "operator", name: "Operator", text: "Enrol devices that you own and earn." },
] as const;

export function SignUpForm({ initialRole }: { initialRole: "client" | "operator" }) {
  const trpc = useTRPC();
  const router = useRouter();
  const form = useForm<Record<"role" | "email" | "password" | "displayName", string>>({
    role: initialRole,
    email: "",
    password: "",
    displayName: "",
  });
  const signUp = useMutation(
    trpc.auth.signUp.mutationOptions({
      onSuccess: ({ email }) => router.push(`/confirm?email=${encodeURIComponent(email)}`),
      onError: (error) => form.setErrors(readFailure(error).fields),
    }),
  );
  const send = () => {
    const { displayName, ...values } = form.values;
    const parsed = parseForm(SignUpInput, displayName.trim() === "" ? values : { ...values, displayName });
    if (parsed.ok) signUp.mutate(parsed.data);
    else form.setErrors(parsed.errors);
  };
  return (
    <Form className="space-y-4" onSubmit={send}>
      <RadioGroup.Root
        aria-label="Role"
        value={form.values.role}
        onValueChange={(role) => form.set("role", role)}
        className="grid grid-cols-2 gap-2"
      >
        {roles.map((role) => (
          <RadioGroup.Item
            key={role.value}
            value={role.value}
            aria-label={role.name}
            className="rounded-md border border-line-strong bg-surface p-3 text-left hover:bg-sunken data-[state=checked]:border-accent data-[state=checked]:bg-accent-wash data-[state=checked]:ring-1 data-[state=checked]:ring-accent"
          >
            <span className="block font-medium">{role.name}</span>
            <span className="mt-0.5 block text-sm text-soft">{role.text}</span>
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
      <TextField label="E-mail" type="email" autoComplete="username" {...form.bind("email")} />
      <PasswordField label="Password" autoComplete="new-password" hint="Ten characters or more." {...form.bind("password")} />
      <TextField label="Name (optional)" autoComplete="name" {...form.bind("displayName")} />
      {signUp.error === null ? null : <ErrorPanel failure={readFailure(signUp.error)} />}
      <Button type="submit" look="primary" className="w-full" busy={signUp.isPending}>
        Create account
      </Button>
    </Form>
  );
}
