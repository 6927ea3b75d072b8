"use client";
import { Eye, EyeOff } from "lucide-react";
import { useId, useState, type ComponentProps, type ReactNode } from "react";
import { cn } from "./cn.ts";

export const controlClasses =
  "h-9 w-full min-w-0 rounded-md border border-line-strong bg-surface px-3 text-base text-ink placeholder:text-faint/80 hover:border-faint/70 aria-invalid:border-bad disabled:bg-sunken disabled:text-faint max-sm:text-lg";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  errors?: readonly string[] | undefined;
  className?: string | undefined;
  children: (control: { id: string; "aria-invalid": boolean; "aria-describedby": string | undefined }) => ReactNode;
}

/** A labelled control with its hint and its errors, joined for screen readers. */
export function Field({ label, hint, errors = [], className, children }: FieldProps) {
  const id = useId();
  const hasErrors = errors.length > 0;
  const noteId = `${id}-note`;
  const hasNote = hasErrors || hint !== undefined;
  return (
    <div className={cn("min-w-0", className)}>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-invalid": hasErrors, "aria-describedby": hasNote ? noteId : undefined })}
      {hasNote ? (
        <p id={noteId} className={cn("mt-1 text-sm", hasErrors ? "text-bad" : "text-faint")}>
          {hasErrors ? errors.join(" ") : hint}
        </p>
      ) : null}
    </div>
  );
}

interface TextFieldProps extends Omit<ComponentProps<"input">, "onChange" | "value"> {
  label: string;
  hint?: ReactNode;
  errors?: readonly string[] | undefined;
  value: string;
  onValue: (value: string) => void;
}

export function TextField({ label, hint, errors, value, onValue, className, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} errors={errors} className={className}>
      {(control) => (
        <input {...rest} {...control} className={controlClasses} value={value} onChange={(event) => onValue(event.target.value)} />
      )}
    </Field>
  );
}

export function PasswordField({ label, hint, errors, value, onValue, className, ...rest }: TextFieldProps) {
  const [isShown, setShown] = useState(false);
  const Icon = isShown ? EyeOff : Eye;
  return (
    <Field label={label} hint={hint} errors={errors} className={className}>
      {(control) => (
        <div className="relative">
          <input
            {...rest}
            {...control}
            type={isShown ? "text" : "password"}
            className={cn(controlClasses, "pr-10")}
            value={value}
            onChange={(event) => onValue(event.target.value)}
          />
          <button
            type="button"
            aria-label={isShown ? "Hide characters" : "Show characters"}
            aria-pressed={isShown}
            onClick={() => setShown(!isShown)}
            className="absolute inset-y-0 right-0 flex w-10 items-center justify-center rounded-md text-faint hover:text-ink"
          >
            <Icon aria-hidden="true" className="size-4" />
          </button>
        </div>
      )}
    </Field>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

interface SelectFieldProps extends Omit<ComponentProps<"select">, "onChange" | "value" | "children"> {
  label: string;
  hint?: ReactNode;
  errors?: readonly string[] | undefined;
  value: string;
  onValue: (value: string) => void;
  choices: readonly Choice[];
}

/** A native select: keyboard, screen reader and phone pickers work as everywhere else. */
export function SelectField({ label, hint, errors, value, onValue, choices, className, ...rest }: SelectFieldProps) {
  return (
    <Field label={label} hint={hint} errors={errors} className={className}>
      {(control) => (
        <select
          {...rest}
          {...control}
          className={cn(controlClasses, "k-select appearance-none pr-8")}
          value={value}
          onChange={(event) => onValue(event.target.value)}
        >
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
