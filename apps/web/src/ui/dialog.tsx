"use client";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { cn } from "./cn.ts";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  /** `sheet` slides in from the left and fills the height: the phone's navigation. */
  kind?: "dialog" | "sheet";
  children: ReactNode;
}

const places = {
  dialog:
    "top-1/2 left-1/2 max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] max-w-md -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-xl border p-5",
  sheet: "inset-y-0 left-0 flex w-[min(19rem,86vw)] flex-col border-r",
} as const;

/** A modal: focus stays inside, Escape closes, the page behind is inert. The way out stays in sight when it scrolls. */
export function Dialog({ open, onOpenChange, title, description, kind = "dialog", children }: DialogProps) {
  const isSheet = kind === "sheet";
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-[#0b0a09]/45 backdrop-blur-[1px]" />
        <Radix.Content
          className={cn("fixed z-50 bg-surface shadow-pop outline-none", places[kind])}
          {...(description === undefined ? { "aria-describedby": undefined } : {})}
        >
          <div
            className={cn(
              "flex items-start justify-between gap-4",
              isSheet ? "sr-only" : "sticky -top-5 z-10 -mx-5 -mt-5 bg-surface px-5 pt-5",
            )}
          >
            <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
            <Radix.Close asChild>
              <Button look="quiet" size="icon" className="-mt-1 -mr-1.5" aria-label="Close">
                <X aria-hidden="true" />
              </Button>
            </Radix.Close>
          </div>
          {description === undefined ? null : <Radix.Description className="mt-1 text-sm text-soft">{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
