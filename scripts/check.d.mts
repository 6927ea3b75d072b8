/** What the checks' own test needs of `check.mjs`. */
export const checks: readonly (readonly [name: string, program: string, args: readonly string[]])[];
export function checkAll(): Promise<readonly string[]>;
