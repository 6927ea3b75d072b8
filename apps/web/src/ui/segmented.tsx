"use client";
import { ToggleGroup } from "radix-ui";
import { cn } from "./cn.ts";

interface SegmentedProps<Value extends string> {
  /** The group's accessible name. */
  label: string;
  value: Value;
  onValue: (value: Value) => void;
  choices: readonly { value: Value; label: string }[];
  className?: string;
}

/** One of a few, all in sight. Arrow keys move; exactly one is always chosen. */
export function Segmented<Value extends string>({ label, value, onValue, choices, className }: SegmentedProps<Value>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => {
        const chosen = choices.find((choice) => choice.value === next);
        if (chosen !== undefined) onValue(chosen.value);
      }}
      className={cn("inline-flex max-w-full overflow-x-auto rounded-md border bg-sunken p-0.5", className)}
    >
      {choices.map((choice) => (
        <ToggleGroup.Item
          key={choice.value}
          value={choice.value}
          className="flex-1 rounded-[5px] px-1.5 py-1 text-sm font-medium sm:px-3 whitespace-nowrap text-soft hover:text-ink data-[state=on]:bg-surface data-[state=on]:text-ink data-[state=on]:shadow-sm data-[state=on]:ring-1 data-[state=on]:ring-line"
        >
          {choice.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
