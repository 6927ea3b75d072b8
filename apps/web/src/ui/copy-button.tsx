"use client";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "./button.tsx";
import { cn } from "./cn.ts";
import { copyText } from "./copy-text.ts";

const shownMs = 1_800;

interface CopyButtonProps {
  text: string;
  /** What is copied, for screen readers and tests: "Copy the password". */
  label: string;
  /** Shows words beside the icon. */
  caption?: string;
  className?: string;
}

/** Copies `text`. Where the browser forbids it, the button says so and the text stays selectable. */
export function CopyButton({ text, label, caption, className }: CopyButtonProps) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return undefined;
    const timer = setTimeout(() => setState("idle"), shownMs);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () => {
    copyText(text).then(
      () => setState("copied"),
      () => setState("failed"),
    );
  };
  const Icon = state === "copied" ? Check : Copy;
  return (
    <Button
      look={caption === undefined ? "quiet" : "outline"}
      size={caption === undefined ? "icon" : "sm"}
      className={cn(caption === undefined && "size-7", state === "copied" && "text-good", className)}
      onClick={copy}
      aria-label={label}
      title={label}
    >
      <Icon aria-hidden="true" />
      {caption === undefined ? null : state === "copied" ? "Copied" : caption}
      <span role="status" className="sr-only">
        {state === "copied" ? "Copied" : state === "failed" ? "Copying is not allowed here; select the text" : ""}
      </span>
    </Button>
  );
}
