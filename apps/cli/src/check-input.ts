import { AppError } from "@karvon/domain";

interface Schema<Output> {
  safeParse(
    value: unknown,
  ): { success: true; data: Output } | { success: false; error: { issues: readonly { message: string; path: readonly PropertyKey[] }[] } };
}

/** Checks what was typed with the verb's own schema. INPUT_INVALID names the first thing that is wrong. */
export function checkInput<Output>(schema: Schema<Output>, value: unknown): Output {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new AppError(
    "INPUT_INVALID",
    issue === undefined ? "The input is not valid." : `${issue.path.map(String).join(".")}: ${issue.message}`,
  );
}
