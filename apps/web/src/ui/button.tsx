import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "./cn.ts";

const button = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 rounded-md border font-medium whitespace-nowrap transition-colors disabled:opacity-50 aria-disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      look: {
        primary: "border-transparent bg-ink text-paper hover:bg-ink/85",
        outline: "border-line-strong bg-surface text-ink hover:bg-sunken",
        quiet: "border-transparent bg-transparent text-soft hover:bg-sunken hover:text-ink",
        danger: "border-bad/35 bg-surface text-bad hover:bg-bad-wash",
      },
      size: {
        md: "h-9 px-3.5 text-base",
        sm: "h-8 px-2.5 text-sm",
        icon: "size-8 p-0",
      },
    },
    defaultVariants: { look: "outline", size: "md" },
  },
);

interface ButtonProps extends ComponentProps<"button">, VariantProps<typeof button> {
  /** Renders the only child (a link) with the button's look. */
  asChild?: boolean;
  /** Shows a spinner and keeps a second press from counting. */
  busy?: boolean;
}

export function Button({ className, look, size, asChild = false, busy = false, children, type, ...rest }: ButtonProps) {
  const classes = cn(button({ look, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button type={type ?? "button"} className={classes} {...rest} disabled={rest.disabled === true || busy} aria-busy={busy}>
      {busy ? <LoaderCircle className="animate-spin" aria-hidden="true" /> : null}
      {children}
    </button>
  );
}
