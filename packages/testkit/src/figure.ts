/** Figures that a test found, one JSON line each: what it measured is kept even when nothing was wrong. */
import { readTier } from "./env.ts";

/** The short tier runs inside `npm test`, the full one alone: `npm run test:money`. */
export const isFullTier = readTier() === "full";

/** Standard output, because the line is the test's product. */
export function printFigure(figure: string, values: Readonly<Record<string, number | string | boolean>>): void {
  process.stdout.write(`${JSON.stringify({ figure, tier: isFullTier ? "full" : "short", ...values })}\n`);
}
