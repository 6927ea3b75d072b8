"use client";
import { TextField } from "#ui/field.tsx";
import { formatBytes } from "#ui/format.ts";
import type { useForm } from "#ui/use-form.ts";

const bytesPerGb = 1_000_000_000;

/** As the text fields hold them: GB, empty for none. */
export type LimitTexts = { totalGb: string; dayGb: string; monthGb: string };

/** What was carried, for the hints; zeros for a tag that has no cap yet. */
export interface UsedSoFar {
  readonly usedBytes: bigint;
  readonly dayUsedBytes: bigint;
  readonly monthUsedBytes: bigint;
}

interface Limits {
  readonly totalLimitBytes: bigint | null;
  readonly dayLimitBytes: bigint | null;
  readonly monthLimitBytes: bigint | null;
}

export function limitTexts({ totalLimitBytes, dayLimitBytes, monthLimitBytes }: Limits): LimitTexts {
  return { totalGb: limitText(totalLimitBytes), dayGb: limitText(dayLimitBytes), monthGb: limitText(monthLimitBytes) };
}

function limitText(bytes: bigint | null): string {
  return bytes === null ? "" : String(Number(bytes) / bytesPerGb);
}

export function readLimits({ totalGb, dayGb, monthGb }: LimitTexts): Record<keyof LimitTexts, number | null> {
  return { totalGb: readGb(totalGb), dayGb: readGb(dayGb), monthGb: readGb(monthGb) };
}

function readGb(text: string): number | null {
  return text.trim() === "" ? null : Number(text);
}

/** The three limits of a proxy user or a tag, each with what is used of it. */
export function LimitFields({ bind, used }: { bind: ReturnType<typeof useForm<LimitTexts>>["bind"]; used: UsedSoFar }) {
  const field = { inputMode: "decimal", autoComplete: "off" } as const;
  return (
    <>
      <TextField
        {...field}
        label="A day, GB"
        hint={`${formatBytes(used.dayUsedBytes)} so far today. Opens again at 00:00 UTC.`}
        {...bind("dayGb")}
      />
      <TextField
        {...field}
        label="A calendar month, GB"
        hint={`${formatBytes(used.monthUsedBytes)} so far this month. Opens again on the first, at 00:00 UTC.`}
        {...bind("monthGb")}
      />
      <TextField
        {...field}
        label="In total, GB"
        hint={`${formatBytes(used.usedBytes)} so far. Stays closed until you raise it.`}
        {...bind("totalGb")}
      />
    </>
  );
}
