"use client";
import { RotateCw } from "lucide-react";
import { Button } from "./button.tsx";
import { CopyButton } from "./copy-button.tsx";
import { Notice } from "./notice.tsx";

/** A failure as the panels show it. `detail` is what support needs: procedure, code, time, request id. */
export interface ShownFailure {
  readonly message: string;
  readonly detail: string;
}

interface ErrorPanelProps {
  failure: ShownFailure;
  onRetry?: () => void;
  className?: string;
}

/** In the place of what could not be loaded: the sentence, a retry, and the request's detail to copy. */
export function ErrorPanel({ failure, onRetry, className }: ErrorPanelProps) {
  return (
    <Notice
      tone="bad"
      title={failure.message}
      {...(className === undefined ? {} : { className })}
      aside={
        onRetry === undefined ? undefined : (
          <Button size="sm" onClick={onRetry}>
            <RotateCw aria-hidden="true" />
            Try again
          </Button>
        )
      }
    >
      <span className="flex items-center gap-1">
        <span className="min-w-0 font-mono text-xs break-all">{failure.detail}</span>
        <CopyButton text={failure.detail} label="Copy the error detail" />
      </span>
    </Notice>
  );
}
