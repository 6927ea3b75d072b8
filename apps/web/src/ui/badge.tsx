import { cva, type VariantProps } from "class-variance-authority";
import type { ReactNode } from "react";
import { cn } from "./cn.ts";

const badge = cva("inline-flex items-center gap-1.5 rounded-full px-2 py-px text-xs font-medium whitespace-nowrap", {
  variants: {
    tone: {
      neutral: "bg-sunken text-soft ring-1 ring-line ring-inset",
      good: "bg-good-wash text-good",
      bad: "bg-bad-wash text-bad",
      warn: "bg-warn-wash text-warn",
      info: "bg-info-wash text-info",
      accent: "bg-accent-wash text-accent",
    },
  },
  defaultVariants: { tone: "neutral" },
});

export type Tone = NonNullable<VariantProps<typeof badge>["tone"]>;

interface BadgeProps {
  tone?: Tone;
  /** A dot before the text, for states that something is in now. */
  dot?: boolean;
  className?: string;
  title?: string | undefined;
  children: ReactNode;
}

export function Badge({ tone = "neutral", dot = false, className, title, children }: BadgeProps) {
  return (
    <span className={cn(badge({ tone }), className)} title={title}>
      {dot ? <span aria-hidden="true" className="size-1.5 rounded-full bg-current" /> : null}
      {children}
    </span>
  );
}

/** Marks what the built-in demo made: rows of no real person, device or payment. */
export function DemoBadge() {
  return (
    <span
      className="inline-flex items-center rounded border border-dashed border-accent/60 px-1.5 text-2xs font-medium text-accent"
      title="Made by the built-in demo"
    >
      demo
    </span>
  );
}
