"use client";
import { useState } from "react";

export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** The part of a zod schema that a form needs. */
export interface FormSchema<Output> {
  safeParse: (input: unknown) => { success: true; data: Output } | { success: false; error: { issues: readonly FormIssue[] } };
}
interface FormIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface Form<Values> {
  readonly values: Values;
  /** Binds one text control: value, change handler, errors. */
  readonly bind: (name: keyof Values & string) => { value: string; onValue: (value: string) => void; errors: readonly string[] };
  readonly set: (name: keyof Values & string, value: string) => void;
  readonly setErrors: (errors: FieldErrors) => void;
  readonly reset: () => void;
}

/** Texts of a form and its errors by field. An edit takes away the error of its field. */
export function useForm<Values extends Record<string, string>>(initial: Values): Form<Values> {
  const [values, setValues] = useState(initial);
  const [errors, setErrors] = useState<FieldErrors>({});
  const set = (name: keyof Values & string, value: string) => {
    setValues((before) => ({ ...before, [name]: value }));
    setErrors((before) => ({ ...before, [name]: [] }));
  };
  return {
    values,
    set,
    setErrors,
    bind: (name) => ({ value: values[name] ?? "", onValue: (value) => set(name, value), errors: errors[name] ?? [] }),
    reset: () => {
      setValues(initial);
      setErrors({});
    },
  };
}

/** Parses with the verb's own schema: the data, or the errors by the first word of their path. */
export function parseForm<Output>(
  schema: FormSchema<Output>,
  input: unknown,
): { ok: true; data: Output } | { ok: false; errors: FieldErrors } {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { ok: true, data: parsed.data };
  const errors: Record<string, string[]> = {};
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0] ?? "form");
    errors[name] = isEmpty(input, name) ? ["Fill this in."] : [...(errors[name] ?? []), issue.message];
  }
  return { ok: false, errors };
}

/** A field that was left empty needs no grammar lesson. */
function isEmpty(input: unknown, name: string): boolean {
  return typeof input === "object" && input !== null && Object.entries(input).some(([key, value]) => key === name && value === "");
}

/** The words of a field that takes several, with blanks or commas between. */
export function splitWords(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
